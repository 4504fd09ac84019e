import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Contestant, type ContestantName, settings, startContestant } from './contestants.ts'
import type { Options } from './options.ts'
import { runToEnd, type Stub, startStub } from './processes.ts'
import type { Seeded } from './seed.ts'

/** Everything that runs during a measurement. */
export interface Arena {
  readonly seeded: Seeded
  readonly stubs: readonly Stub[]
  setLatency(latencyMs: number): Promise<void>
  /** Starts contestants, each on a copy of the store; `store` replaces the seeded one. */
  start(names: readonly ContestantName[], store?: string): Promise<Contestant[]>
  /** Starts a contestant on a database that several processes may use. */
  startOn(name: ContestantName, databaseUrl: string): Promise<Contestant>
  /** Fills the empty database of this URL. */
  seed(databaseUrl: string, sessions: number): Promise<Seeded>
  readonly directory: string
  readonly store: string
  close(): Promise<void>
}

/** Starts the providers and fills the store. Close stops them and removes it. */
export async function openArena({ sessions, profile, runtime }: Options): Promise<Arena> {
  const directory = mkdtempSync(join(tmpdir(), 'sessiongraph-bench-'))
  const stubs = await Promise.all([startStub(), startStub(), startStub()])
  const [kayle, rapidly, yorlet] = stubs.map(stub => stub.origin) as [string, string, string]
  const env = settings({ kayle, rapidly, yorlet })
  const fill = async (file: string, count: number, database: NodeJS.ProcessEnv): Promise<Seeded> => {
    await runToEnd(runtime.binary, 'bench/src/seed.ts', [file, String(count)], { ...env, ...database })
    return JSON.parse(readFileSync(`${file}.json`, 'utf8')) as Seeded
  }
  const profiled = profile ? [...runtime.flags, '--cpu-prof', `--cpu-prof-dir=${profile}`] : runtime.flags
  const startOn = (name: ContestantName, databaseUrl: string) => {
    const flags = name === 'ours' ? profiled : runtime.flags
    return startContestant(name, databaseUrl, { ...runtime, flags }, env, directory)
  }
  const startOnCopy = (name: ContestantName, from: string) => {
    const file = join(directory, `${name}.db`)
    copyFileSync(from, file)
    return startOn(name, `sqlite:${file}`)
  }
  const store = join(directory, 'seeded.db')
  return {
    seeded: await fill(store, sessions, {}),
    stubs,
    store,
    directory,
    setLatency: async latencyMs => void (await Promise.all(stubs.map(stub => stub.setLatency(latencyMs)))),
    start: (names, from = store) => Promise.all(names.map(name => startOnCopy(name, from))),
    startOn,
    seed: (databaseUrl, count) => fill(join(directory, 'seeded'), count, { DATABASE_URL: databaseUrl }),
    close: async () => {
      await Promise.all(stubs.map(stub => stub.stop()))
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
