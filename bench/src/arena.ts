import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Contestant, type ContestantName, settings, startContestant } from './contestants.ts'
import type { Options } from './options.ts'
import { runToEnd, type Stub, startStub } from './processes.ts'
import type { Seeded } from './seed.ts'

/** Everything that runs during a measurement. */
export interface Arena {
  readonly env: NodeJS.ProcessEnv
  readonly seeded: Seeded
  readonly stubs: readonly Stub[]
  setLatency(latencyMs: number): Promise<void>
  /** Starts contestants, each on a copy of the store; `store` replaces the seeded one. */
  start(names: readonly ContestantName[], store?: string): Promise<Contestant[]>
  readonly directory: string
  readonly store: string
  close(): Promise<void>
}

/** Starts the providers and fills the store. Close stops them and removes it. */
export async function openArena({ sessions, profile }: Pick<Options, 'sessions' | 'profile'>): Promise<Arena> {
  const directory = mkdtempSync(join(tmpdir(), 'sessiongraph-bench-'))
  const stubs = await Promise.all([startStub(), startStub(), startStub()])
  const [kayle, rapidly, yorlet] = stubs.map(stub => stub.origin) as [string, string, string]
  const env = settings({ kayle, rapidly, yorlet })
  const store = join(directory, 'seeded.db')
  await runToEnd('bench/src/seed.ts', [store, String(sessions)], env)
  return {
    env,
    seeded: JSON.parse(readFileSync(`${store}.json`, 'utf8')) as Seeded,
    stubs,
    store,
    directory,
    setLatency: async latencyMs => void (await Promise.all(stubs.map(stub => stub.setLatency(latencyMs)))),
    start: (names, from = store) =>
      Promise.all(names.map(name => startContestant(name, env, from, directory, profile))),
    close: async () => {
      await Promise.all(stubs.map(stub => stub.stop()))
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
