import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROVIDERS, type Provider } from '../../../src/domain/provider.ts'
import {
  createRandom,
  KINDS,
  type Kind,
  mutationOf,
  type ReportedOutcome,
  startWorkload,
  toReportedOutcome,
  type Workload,
} from './load.ts'
import { builtFile, type Fate, findFreePort, type Passing, type ServerProcess, startServer } from './server-process.ts'
import type { SharedStore } from './shared-store.ts'
import { API_KEY } from './test-app.ts'

/** Kills servers with SIGKILL at random moments under load, then checks the invariants of every create. */

export interface KillRun {
  readonly kills: number
  /** Repeats the random choices of an earlier run, but not its timing. */
  readonly seed: number
  /** The number of servers that run at that kill. */
  serversAt(kill: number): number
  openStore(): Promise<SharedStore>
  /** Additional checks of the store after the run. */
  checkStore?(store: SharedStore): Promise<void>
}

const CLIENTS = 16

/** Kinds whose provider offers no way to find a create after a lost response. */
const HOPELESS = ['personr-applicant']

/** Kinds whose lost creates can always be found. Kinds with a single resend are excluded: its response may be lost, too. */
const ALWAYS_SETTLED = ['kayle-session', 'rapidly-customer', 'verilock-session', 'yorlet-customer', 'yorlet-session']

/** An idempotency key with its input and every outcome that a client received for it. */
interface Task {
  readonly key: string
  readonly kind: Kind
  readonly input: object
  readonly reported: ReportedOutcome[]
}

interface Marked {
  readonly reference: string
  readonly idempotency_key: string
}

interface Settled {
  readonly state: string
  readonly settlesItself: boolean
  readonly recovered: boolean
  readonly session: { readonly id: string } | null
  readonly applicant: { readonly id: string } | null
  readonly customer: { readonly id: string } | null
}

const EXPECTED_CODES = ['IDEMPOTENCY_IN_PROGRESS', 'UNCONFIRMED']

/** Declares the run and its tests. */
export function describeKills({ kills: KILLS, seed: SEED, serversAt, openStore, checkStore }: KillRun): void {
  const random = createRandom(SEED)
  const tasks: Task[] = []
  const servers: ServerProcess[] = []
  const deaths: string[] = []
  let created = 0
  let repeats = 0
  const settled = new Map<string, Settled>()
  /** The kinds of which a response was lost. */
  const lost = new Set<Kind>()
  let world: Workload
  let store: SharedStore
  let made: ReadonlyMap<string, readonly string[]>

  beforeAll(
    async () => {
      console.log(`kill: SEED=${SEED} KILLS=${KILLS}`)
      world = await startWorkload({ fateOf: createFates(), delayMs: () => random() * 30 })
      store = await openStore()
      const ports: number[] = []
      const start = async (place: number) => {
        ports[place] ??= await findFreePort()
        servers[place] = startServer(builtFile('main.js'), { ...toEnv(ports[place]), ...store.env }, output =>
          deaths.push(output),
        )
        return servers[place]
      }
      await (await start(0)).ready

      let over = false
      const clients = Array.from({ length: CLIENTS }, () => runClient(() => over))
      for (let kill = 0; kill < KILLS; kill++) {
        const most = serversAt(kill)
        while (servers.length < most) await (await start(servers.length)).ready
        const place = Math.floor(random() * servers.length)
        // Most servers are killed while serving, some during startup.
        if (random() < 0.85) await servers[place]?.ready
        await sleep(random() * 700)
        await servers[place]?.kill()
        if (place < most) await start(place)
        else servers.splice(place, 1)
      }
      over = true
      await Promise.all(servers.map(server => server.ready))
      await Promise.all(clients)
      // Of each kind, a response is lost that no kill follows.
      lost.clear()
      await Promise.all(KINDS.map(async () => untilAnswered(await newTask())))
      await untilSettled()
      made = await countObjects()
    },
    120_000 + KILLS * 4_000,
  )

  afterAll(async () => {
    await Promise.all(servers.map(server => server.kill()))
    await world?.close()
    await store?.close()
  })

  function toEnv(port: number): NodeJS.ProcessEnv {
    return {
      ...world.env,
      PORT: String(port),
      DEV_API_KEY: API_KEY,
      ENCRYPTION_KEY: '07'.repeat(32),
      CREATE_DEADLINE_MS: '1000',
      CREATE_ABSENCE_PROOF_SECONDS: '1',
      RECOVERY_BACKOFF_MIN_SECONDS: '0.2',
      RECOVERY_BACKOFF_MAX_SECONDS: '1',
      JOB_INTERVAL_MS: '100',
      LOG_LEVEL: 'fatal',
    }
  }

  /** The response is lost for the first create of each kind, and for one in fifty of the others. */
  function createFates(): (provider: Provider, passing: Passing) => Fate {
    return (provider, { method, path }) => {
      const kind = KINDS.find(kind => kind.provider === provider && path.endsWith(kind.path))
      if (!kind || method !== 'POST') return 'ANSWERED'
      const unknownCreate = !lost.has(kind) || random() < 0.02
      lost.add(kind)
      return unknownCreate ? 'LOST' : 'ANSWERED'
    }
  }

  async function runClient(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await untilAnswered((random() < 0.4 && pickKnown()) || (await newTask()))
      await sleep(random() * 60)
    }
  }

  /** Half of the time any earlier key, otherwise one whose record no client has received. */
  function pickKnown(): Task | undefined {
    const known = random() < 0.5 ? tasks : tasks.filter(task => recordsOf(task).length === 0)
    return known[Math.floor(random() * known.length)]
  }

  async function newTask(): Promise<Task> {
    const place = created++
    const kind = KINDS[place % KINDS.length] as Kind
    const key = `${kind.name}-${place}`
    const task = { key, kind, input: { ...(await kind.input(key, world)), idempotencyKey: key }, reported: [] }
    tasks.push(task)
    return task
  }

  /** Retries with the same key while there is no response. */
  async function untilAnswered(task: Task): Promise<void> {
    for (;;) {
      const reported = await create(task).catch(() => undefined)
      if (reported) return
      repeats += 1
      await sleep(random() * 20)
    }
  }

  /** Rejects where there is no response. */
  async function create(task: Task): Promise<ReportedOutcome> {
    const reported = toReportedOutcome(await execute(mutationOf(task.kind), { input: task.input }))
    task.reported.push(reported)
    return reported
  }

  async function execute<Data>(query: string, variables: object): Promise<{ data?: Data | null }> {
    const server = await findServer()
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
    const response = await fetch(server.url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
    return (await response.json()) as { data?: Data | null }
  }

  /** A running server; waits for one if necessary. */
  async function findServer(): Promise<ServerProcess> {
    for (;;) {
      const up = servers.filter(server => server.isUp())
      const server = up[Math.floor(random() * up.length)]
      if (server) return server
      await sleep(10)
    }
  }

  const OPERATION = /* GraphQL */ `
  query ($key: String!) {
    operation(by: { idempotencyKey: $key }) {
      state settlesItself recovered session { id } applicant { id } customer { id }
    }
  }
`

  /** Longer than the lease of a killed process and the interval of the reconciler. */
  const STILL_MS = 12_000

  /** Polls every key until no create is unsettled, or until no state changes for a while. */
  async function untilSettled(): Promise<void> {
    let open: readonly Task[] = tasks
    for (let changed = Date.now(); open.length > 0 && Date.now() < changed + STILL_MS; await sleep(500)) {
      await withReadLock(open, async ({ key }) => {
        const { data } = await execute<{ operation: Settled | null }>(OPERATION, { key })
        if (data?.operation) settled.set(key, data.operation)
      })
      const left = tasks.filter(({ key }) => isOpen(settled.get(key)))
      if (left.length !== open.length) changed = Date.now()
      open = left
    }
  }

  function isOpen(operation: Settled | undefined): boolean {
    if (!operation) return true
    return operation.state === 'UNKNOWN' ? operation.settlesItself : !['SUCCEEDED', 'FAILED'].includes(operation.state)
  }

  /** Runs `run` for each item, ten at a time. */
  async function withReadLock<T>(items: readonly T[], run: (item: T) => Promise<unknown>): Promise<void> {
    const left = [...items]
    const lane = async () => {
      for (let item = left.pop(); item !== undefined; item = left.pop()) await run(item)
    }
    await Promise.all(Array.from({ length: 10 }, lane))
  }

  /** The objects at the providers, by key. */
  async function countObjects(): Promise<ReadonlyMap<string, readonly string[]>> {
    const keys = new Map(
      (await store.query<Marked>('select reference, idempotency_key from operations')).map(row => [
        row.reference,
        row.idempotency_key,
      ]),
    )
    const found = new Map<string, string[]>()
    for (const provider of PROVIDERS) {
      const objects = await world.sandbox(provider).objects()
      for (const kind of KINDS.filter(kind => kind.provider === provider)) {
        for (const [tag, id] of kind.made(objects, reference => keys.get(reference))) {
          if (tag.startsWith(kind.name)) found.set(tag, [...(found.get(tag) ?? []), id])
        }
      }
    }
    return found
  }

  const stateOf = ({ key }: Task) => settled.get(key)?.state
  const objectsOf = ({ key }: Task) => made.get(key) ?? []
  const recordsOf = ({ reported }: Task) => reported.flatMap(({ record }) => (record ? [record] : []))

  describe(`after ${KILLS} kills`, () => {
    test('enough keys were used', () => {
      console.log(summary())
      expect(deaths).toEqual([])
      expect(repeats).toBeGreaterThanOrEqual(KILLS / 2)
      for (const kind of KINDS) expect(tasks.filter(task => task.kind === kind).length).toBeGreaterThan(KILLS / 5)
    })

    test('every key has a result', () => {
      const unanswered = tasks.filter(task => !['SUCCEEDED', 'FAILED', 'UNKNOWN'].includes(stateOf(task) ?? ''))

      expect(unanswered.map(({ key }) => [key, settled.get(key)])).toEqual([])
    })

    test('every client received a payload or a typed error of its create', () => {
      const codes = new Set(tasks.flatMap(({ reported }) => reported.flatMap(({ code }) => code ?? [])))

      expect([...codes].filter(code => !EXPECTED_CODES.includes(code))).toEqual([])
    })

    test('no key has more objects at its provider than allowed', () => {
      const doubled = tasks.filter(task => objectsOf(task).length > task.kind.most)

      expect(doubled.map(task => [task.key, settled.get(task.key), objectsOf(task)])).toEqual([])
    })

    test('each success exists once in the database and at the provider', async () => {
      const stored = new Set<string>()
      for (const recordType of ['session', 'applicant', 'customer']) {
        const rows = await store.query<{ id: string }>(`select provider_id as id from ${recordType}s`)
        for (const { id } of rows) stored.add(`${recordType} ${id}`)
      }
      for (const task of tasks.filter(task => stateOf(task) === 'SUCCEEDED')) {
        const objects = objectsOf(task).filter(id => stored.has(`${task.kind.recordType} ${id}`))
        expect([task.key, objects.length]).toEqual([task.key, 1])
      }
    })

    test('a failed or unknown create has no record, and a failed one has no object', () => {
      const unsettled = tasks.filter(task => stateOf(task) !== 'SUCCEEDED')

      expect(unsettled.filter(task => recordsOf(task).length > 0)).toEqual([])
      expect(unsettled.filter(task => stateOf(task) === 'FAILED' && objectsOf(task).length > 0)).toEqual([])
    })

    test('every acknowledged record exists, at its provider too, and is the only one returned', () => {
      for (const task of tasks.filter(task => recordsOf(task).length > 0)) {
        const [first] = recordsOf(task)
        const operation = settled.get(task.key)
        expect(operation).toMatchObject({ state: 'SUCCEEDED', [task.kind.recordType]: { id: first?.id } })
        expect(objectsOf(task)).toContain(first?.providerId)
        for (const record of recordsOf(task)) expect(record).toEqual(first)
      }
    })

    test('a replay returns the same record with the same secrets', async () => {
      const succeeded = tasks.filter(task => stateOf(task) === 'SUCCEEDED')
      await withReadLock(succeeded, create)

      for (const task of succeeded) {
        const [first, ...others] = recordsOf(task)
        expect(task.reported.at(-1)).toMatchObject({ replayed: true, record: first })
        expect(new Set([first, ...others].map(record => JSON.stringify(record))).size).toBe(1)
      }
      expect(await countObjects()).toEqual(made)
    })

    test('a failed create can be sent again and is then made once', async () => {
      const failed = tasks.filter(task => stateOf(task) === 'FAILED')
      await withReadLock(failed, create)
      const now = await countObjects()

      const sentAgain = failed.filter(task => task.reported.at(-1)?.record)
      expect(sentAgain.filter(({ key }) => now.get(key)?.length !== 1)).toEqual([])
    })

    test('the database passes its integrity check', async () => {
      await checkStore?.(store)
    })

    test('an input is stored as long as it may be needed, and no longer', async () => {
      const stored = await store.query<{ state: string; stored: number }>(
        `select distinct state, case when input_encrypted is null then 0 else 1 end as stored from operations order by state`,
      )

      expect(stored).toEqual(stored.map(({ state }) => ({ state, stored: state === 'UNKNOWN' ? 1 : 0 })))
    })

    test.each(KINDS.filter(({ name }) => !HOPELESS.includes(name)))('lost creates of $name are recovered', kind => {
      const recovered = tasks.filter(task => task.kind === kind && settled.get(task.key)?.recovered)

      expect(recovered.length).toBeGreaterThan(0)
    })

    test('only a create whose outcome cannot be found stays UNKNOWN', () => {
      const unknown = tasks.filter(task => stateOf(task) === 'UNKNOWN')

      expect(unknown.filter(({ kind }) => ALWAYS_SETTLED.includes(kind.name))).toEqual([])
    })

    test.each(HOPELESS)('lost creates of %s stay UNKNOWN, because the outcome cannot be found', name => {
      const unknownCreate = tasks.filter(task => task.kind.name === name && stateOf(task) === 'UNKNOWN')

      expect(unknownCreate.length).toBeGreaterThan(0)
      expect(unknownCreate.filter(task => settled.get(task.key)?.settlesItself)).toEqual([])
    })
  })

  function summary(): string {
    const lines = KINDS.map(kind => {
      const own = tasks.filter(task => task.kind === kind)
      const count = (state: string) => own.filter(task => stateOf(task) === state).length
      const recovered = own.filter(task => settled.get(task.key)?.recovered).length
      const doubled = own.filter(task => objectsOf(task).length > 1).length
      const states = ['SUCCEEDED', 'FAILED', 'UNKNOWN'].map(state => `${state} ${count(state)}`).join(', ')
      return `  ${kind.name.padEnd(17)} ${states}, recovered ${recovered}, with two objects ${doubled}`
    })
    return [`kill: ${KILLS} kills, ${tasks.length} keys, ${repeats} repeats (SEED=${SEED})`, ...lines].join('\n')
  }
}
