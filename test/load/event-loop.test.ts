import { setTimeout } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { buildSchema } from '../../schema/index.ts'
import { createRowScheduler } from '../../src/domain/row-turns.ts'
import { registry } from '../../src/providers/registry.ts'
import { createRandom } from '../harness/app/load.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { createRawClient, type RawClient, type RawRequest } from '../harness/clients/raw-client.ts'
import { follow, type Subscriber } from '../harness/clients/subscriber.ts'
import { type MeasuredServer, startMeasuredServer } from '../harness/load/measure.ts'
import { type Genes, mutateGenes, randomGenes, toOperation } from '../harness/load/random-operation.ts'
import { type RichData, seedRichData } from '../harness/load/rich-data.ts'
import { smallRequests } from '../harness/load/small-requests.ts'
import { countTurns, takeLong } from '../harness/load/turns.ts'
import { operation, type WorstRequest, worstRequests } from '../harness/load/worst-requests.ts'

/**
 * No request holds the event loop or the memory. What can be counted is counted in every run. LOAD_SEARCH=1 also measures:
 * the longest delay of the event loop and the CPU time per unit of cost, for the worst requests and for those that a search
 * finds.
 */

/** A row scheduler's memory that is never short. */
const ENOUGH_MEMORY = { shortages: 0, isShort: () => false, isTight: () => false, whenRoom: async () => {} }
const MAX_ANSWER_BYTES = 9 * 1024 * 1024
const MAX_ERRORS = 101
/** Of an answer whose rows fail. */
const MAX_ROW_ERRORS = 750
const ROW_ERRORS = 'errors of rows'
/** The CPU time per cost of the dearest and the cheapest request: ten times, and what other processes add. */
const MAX_SPREAD = 12
/** Charged for what they cause elsewhere or might have caused: 90 provider calls, and an answer of more than 8 MiB. */
const DEAR = ['attempts of each row', 'sessions: 30 × metadata']
const RANDOM_OPERATIONS = 150 * Number(process.env.LOAD_ROUNDS ?? 1)
/** The least that a value costs is 1/50, and the least that metadata of 8 KiB costs is 1. Costs are rounded. */
const MAX_VALUES_PER_COST = 60
const MAX_BYTES_PER_COST = 20_000
const schema = await buildSchema(registry, 'on')

describe('every worst request', () => {
  let app: TestApp
  let client: RawClient
  let data: RichData
  let charged = 0
  beforeAll(async () => {
    const consume = async (_key: string, cost: number) => {
      charged += cost
      return 0
    }
    const giveBack = async (_key: string, cost: number) => {
      charged -= cost
    }
    app = await startApp({}, { jobs: false, rateLimiter: { consume, giveBack } })
    data = await seedRichData(app, app.sandbox('KAYLE').origin, { sessions: 100, events: 100, attempts: 2 })
    client = createRawClient(app.url)
  })
  afterAll(async () => {
    client.close()
    await app.close()
  })

  test('is charged and gets a bounded answer', async () => {
    const faults: string[] = []
    const requests = worstRequests(schema, data)
    for (const { name, request } of requests) {
      charged = 0
      const { status, text } = await client.execute(request)
      const errors = text.match(/"requestId":/g)?.length ?? 0
      if (status >= 500 || /INTERNAL_ERROR/.test(text)) faults.push(`${name}: ${status} ${text.slice(0, 200)}`)
      if (text.length > MAX_ANSWER_BYTES) faults.push(`${name}: ${text.length} bytes`)
      if (errors > (name.startsWith(ROW_ERRORS) ? MAX_ROW_ERRORS : MAX_ERRORS)) faults.push(`${name}: ${errors} errors`)
      // Node itself refuses what it cannot parse.
      if (charged < 1 && status !== 431) faults.push(`${name}: charged ${charged}, status ${status}`)
    }
    expect(requests.length).toBeGreaterThan(500)
    expect(faults).toEqual([])
    expect((await client.execute({ method: 'GET', path: '/livez' })).status).toBe(200)
  })

  test('that is generated at random is charged for all that its answer has', async () => {
    const random = createRandom(Number(process.env.LOAD_SEARCH ?? 1))
    const faults: string[] = []
    for (let at = 0; at < RANDOM_OPERATIONS; at++) {
      const request = toOperation(randomGenes(random), schema, data)
      // The first one is charged for its new document, too.
      await client.execute(request)
      charged = 0
      const { text } = await client.execute(request)
      const values = text.match(/"(?!key)\w+":/g)?.length ?? 0
      const isCheap = values > MAX_VALUES_PER_COST * charged || text.length > MAX_BYTES_PER_COST * charged
      if (isCheap) faults.push(`${values} values, ${text.length} bytes, charged ${charged}: ${request.body}`)
    }
    expect(faults).toEqual([])
  })
})

describe('a large operation', () => {
  const LARGE = '{ sessions(first: 100) { nodes { DETAILS } } }'.replace(
    'DETAILS',
    Array.from({ length: 30 }, (_, at) => `a${at}: details { __typename }`).join(' '),
  )
  const SESSIONS = 100
  /** Together they need many slices. */
  const COUNT = 40
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ QUERY_DEADLINE_MS: '10000' }, { jobs: false })
    await seedRichData(app, app.sandbox('KAYLE').origin, { sessions: SESSIONS, events: 0, attempts: 0 })
  })
  afterAll(() => app.close())

  test('lets others run between its rows, and is answered completely', async () => {
    let turns = 0
    let isDone = false
    const count = () => {
      turns++
      if (!isDone) setImmediate(count)
    }
    // Compiled code may need less than one slice.
    const large = Promise.all(Array.from({ length: COUNT }, () => app.execute(LARGE)))
    count()
    const answers = await large
    isDone = true
    expect(answers.map(({ data }) => data.sessions.nodes.length)).toEqual(Array(COUNT).fill(SESSIONS))
    expect(turns).toBeGreaterThan(10)
  })

  test('ends between two rows once its deadline has passed', async () => {
    const hurried = await startApp({ QUERY_DEADLINE_MS: '1' }, { jobs: false })
    await seedRichData(hurried, hurried.sandbox('KAYLE').origin, { sessions: SESSIONS, events: 0, attempts: 0 })
    const answers = await Promise.all(Array.from({ length: COUNT }, () => hurried.execute(LARGE)))
    const ended = answers.filter(({ data }) => data.sessions === null)
    expect(ended.length).toBeGreaterThan(0)
    for (const { errors } of ended) expect(errors).toMatchObject([{ extensions: { code: 'DEADLINE_EXCEEDED' } }])
    for (const { data } of answers) expect(data.sessions?.nodes.length ?? SESSIONS).toBe(SESSIONS)
    await hurried.close()
  })
})

test('a read that takes longer than a slice lets others run before the next one, also if it takes many microtasks', async () => {
  const rows = createRowScheduler(ENOUGH_MEMORY, { accepted: 0 }).open(20, () => false)
  const count = countTurns()
  const read = async () => {
    for (let step = 0; step < 20; step++) await undefined
    takeLong()
    return count.turn
  }
  const turns = await Promise.all(Array.from({ length: 5 }, () => rows.wait(read).then(run => run?.())))
  count.isDone = true
  expect(new Set(turns).size).toBe(5)
})

test('what the rows of several operations read together is read in turns', async () => {
  const scheduler = createRowScheduler(ENOUGH_MEMORY, { accepted: 0 })
  const count = countTurns()
  const readOf = async () => {
    const rows = scheduler.open(20, () => false)
    const row = rows.wait('row')
    const turn = new Promise<number>(resolve => {
      rows.whenNoneWaits(() => {
        takeLong()
        resolve(count.turn)
      })
    })
    await row
    return turn
  }
  const turns = await Promise.all(Array.from({ length: 5 }, readOf))
  count.isDone = true
  expect(new Set(turns).size).toBe(5)
})

test('between two slices of rows, as many connections as arrive are accepted, one in a turn', async () => {
  const ARRIVING = 8
  const count = countTurns()
  const arrivals = {
    get accepted() {
      return Math.min(count.turn, ARRIVING)
    },
  }
  const rows = createRowScheduler(ENOUGH_MEMORY, arrivals).open(20, () => false)
  const turns = await Promise.all(
    [1, 2].map(row =>
      rows.wait(row).then(() => {
        takeLong()
        return count.turn
      }),
    ),
  )
  count.isDone = true
  expect((turns[1] ?? 0) - (turns[0] ?? 0)).toBeGreaterThanOrEqual(ARRIVING)
})

test('of more large operations than can be completed, many are, and a small one does not wait for them', async () => {
  const scheduler = createRowScheduler(ENOUGH_MEMORY, { accepted: 0 })
  let completed = 0
  const isOver = () => completed >= 300
  async function run(cost: number, rows: number, onRow: () => void): Promise<void> {
    const operation = scheduler.open(cost, isOver)
    await Promise.all(Array.from({ length: rows }, (_, row) => operation.wait(row).then(onRow)))
  }
  let begun = 0
  let ended = 0
  async function runSmall(): Promise<void> {
    begun = completed
    await run(20, 10, () => completed++)
    ended = completed
  }
  const countRow = () => {
    if (++completed === 60) void runSmall()
  }
  const large = await Promise.allSettled(Array.from({ length: 20 }, () => run(200, 50, countRow)))
  const isCompleted = large.map(({ status }) => status === 'fulfilled')
  expect(isCompleted).toEqual(Array.from({ length: 20 }, (_, at) => at < 5))
  expect(ended - begun).toBeGreaterThanOrEqual(10)
  expect(ended - begun).toBeLessThan(30)
})

test('operations that begin later do not delay the rows of an operation', async () => {
  const scheduler = createRowScheduler(ENOUGH_MEMORY, { accepted: 0 })
  const first = scheduler.open(20, () => false)
  let later = 0
  let isDone = false
  async function beginOthers(): Promise<void> {
    for (; !isDone && later < 1_000; later++) await scheduler.open(20, () => false).wait(later)
  }
  const rows = Promise.all([first.wait(1), first.wait(2), first.wait(3)])
  const others = beginOthers()
  await rows
  isDone = true
  await others
  expect(later).toBeLessThan(10)
})

describe('large results that are complete at the same time', () => {
  const ROWS = 'sessions(first: 100) { nodes { id metadata customer { id } } }'
  const COUNT = 5
  let app: TestApp
  let data: RichData
  /** The turn of the event loop in which each result was written. */
  let turns: number[]
  let turn = 0
  let isDone = false
  beforeAll(async () => {
    app = await startApp({}, { jobs: false })
    data = await seedRichData(app, app.sandbox('KAYLE').origin, { sessions: 3, events: 0, attempts: 0 })
    const count = () => {
      turn++
      if (!isDone) setImmediate(count)
    }
    count()
  })
  afterAll(async () => {
    isDone = true
    await app.close()
  })
  beforeEach(() => {
    turns = []
    const write = JSON.stringify
    vi.spyOn(JSON, 'stringify').mockImplementation((...given: Parameters<typeof write>) => {
      if (given[0]?.data?.personUpdated || given[0]?.data?.sessions || given[0]?.payload?.data?.personUpdated) {
        turns.push(turn)
        for (const until = performance.now() + 6; performance.now() < until; );
      }
      return write(...given)
    })
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })

  test('are written in turns', async () => {
    await Promise.all(Array.from({ length: COUNT }, () => app.execute(`{ ${ROWS} }`)))
    expect(new Set(turns).size).toBe(COUNT)
  })

  const query = `subscription ($e: String!) { personUpdated(externalId: $e) { person { ${ROWS} } } }`

  let isLinked = true

  /** An event of the person. */
  async function change(): Promise<void> {
    isLinked = !isLinked
    const input = { sessionId: data.richSessionId, customerId: isLinked ? data.customerId : null }
    await app.execute('mutation ($input: LinkSessionInput!) { linkSession(input: $input) { __typename } }', { input })
  }

  test.each([
    ['server-sent events', 'text/event-stream'],
    ['parts', 'multipart/mixed;subscriptionSpec=1.0, application/json'],
  ])('are written in turns to streams of %s', async (_what, accept) => {
    const following = { query, variables: { e: data.externalId }, accept }
    const subscribers = await Promise.all(Array.from({ length: COUNT }, () => follow(app.url, following)))
    await expect.poll(() => app.services.eventStream.asleep()).toBe(COUNT)
    await change()
    await expect.poll(() => turns.length).toBe(COUNT)
    expect(new Set(turns).size).toBe(COUNT)
    await Promise.all(subscribers.map(subscriber => subscriber.unsubscribe()))
    await expect.poll(() => app.streams.count()).toBe(0)
  })

  test('are written in turns to the subscriptions of a WebSocket', async () => {
    const connectionParams = { authorization: `Bearer ${API_KEY}` }
    const client = createClient({ url: app.url.replace('http', 'ws'), webSocketImpl: WebSocket, connectionParams })
    let received = 0
    for (let at = 0; at < COUNT; at++) {
      const sink = { next: () => void received++, error: () => {}, complete: () => {} }
      client.subscribe({ query, variables: { e: data.externalId } }, sink)
    }
    await expect.poll(() => app.services.eventStream.asleep()).toBe(COUNT)
    await change()
    await expect.poll(() => received).toBe(COUNT)
    expect(new Set(turns).size).toBe(COUNT)
    await client.dispose()
  })
})

test('an answer of more than 8 MiB is refused', async () => {
  const app = await startApp({ MAX_COST: '10000' }, { jobs: false })
  await seedRichData(app, app.sandbox('KAYLE').origin, { sessions: 50, events: 0, attempts: 0 })
  const text = (count: number) =>
    `{ sessions(first: 50) { nodes { ${Array.from({ length: count }, (_, at) => `a${at}: metadata`).join(' ')} } } }`
  expect((await app.execute(text(15))).errors).toEqual([])
  expect(await app.execute(text(30))).toMatchObject({
    data: undefined,
    errors: [{ extensions: { code: 'QUERY_TOO_COMPLEX' } }],
  })
  const deferred = text(30)
    .replace(/ (?=a0:)/, ' id }} ... @defer { sessions(first: 50) { nodes { ')
    .replace(/}$/, '}}')
  const response = await app.app.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json', accept: 'multipart/mixed' },
    body: JSON.stringify({ query: deferred }),
  })
  const parts = await response.text()
  expect(parts.length).toBeLessThan(100_000)
  expect(parts).toContain('QUERY_TOO_COMPLEX')
  await app.close()
})

if (process.env.LOAD_SEARCH) {
  describe.each([
    ['rich', { sessions: 100, events: 1_500, attempts: 2 }],
    ['small', { sessions: 3, events: 5, attempts: 1 }],
    ['much', { sessions: 5_000, events: 20_000, attempts: 2 }],
  ])('measured on %s data', (_name, size) => {
    let server: MeasuredServer
    beforeAll(async () => {
      server = await startMeasuredServer(size)
    }, 600_000)
    afterAll(() => server?.close())

    interface Found extends WorstRequest {
      readonly stallMs: number
      readonly cpuPerCost: number
      readonly charged: number
      readonly kilobytes: number
      readonly refused: string
    }

    /** What a measurement takes by itself. */
    let ownCpuMs = 0

    /** The best of a few runs, each of some requests: other processes disturb each of them. */
    async function measure(name: string, next: () => RawRequest, runs = 4): Promise<Found> {
      // The first requests also pay for what those before left behind.
      await server.measure(next, 3)
      const { cpuMs: estimate } = await server.measure(next, 3)
      const times = Math.min(40, Math.max(2, Math.ceil(60 / estimate)))
      await server.measure(next, times)
      let best: Found | undefined
      for (let run = 0; run < runs; run++) {
        const { cpuMs, stallMs, charged, answer } = await server.measure(next, times)
        const found = {
          name,
          request: next(),
          stallMs: Math.min(stallMs, best?.stallMs ?? stallMs),
          cpuPerCost: Math.min(
            Math.max(0, cpuMs - ownCpuMs) / Math.max(1, charged),
            best?.cpuPerCost ?? Number.POSITIVE_INFINITY,
          ),
          charged: charged / times,
          kilobytes: Math.round(answer.text.length / 1_024),
          refused: /"code":"(\w+)"/.exec(answer.text)?.[1] ?? '',
        }
        best = found
      }
      return best as Found
    }

    async function warmUp(): Promise<void> {
      const [smallest] = smallRequests(server.data)
      for (let round = 0; round < 20; round++) await server.measure(smallest?.next ?? (() => ({})), 50)
      const own: number[] = []
      for (let round = 0; round < 10; round++) own.push((await server.measureWhile(async () => {})).cpuMs)
      ownCpuMs = Math.min(...own)
    }

    function print(title: string, found: readonly Found[], by: 'cpuPerCost' | 'stallMs', order: 1 | -1 = 1): void {
      const rows = [...found]
        .sort((one, other) => order * (other[by] - one[by]))
        .slice(0, Number(process.env.ROWS ?? 15))
      const lines = rows.map(
        ({ name, stallMs, cpuPerCost, charged, kilobytes, refused }) =>
          `${stallMs.toFixed(0).padStart(5)} ms ${(1_000 * cpuPerCost).toFixed(1).padStart(7)} µs/cost ${String(charged).padStart(4)} ${String(kilobytes).padStart(5)} KB  ${refused} ${name.slice(0, 140)}`,
      )
      console.info([title, ...lines].join('\n'))
    }

    /** The greatest CPU time per cost as a multiple of the least one. */
    function spread(found: readonly Found[]): number {
      const times = found.map(({ cpuPerCost }) => cpuPerCost)
      return Math.max(...times) / Math.min(...times)
    }

    test('the smallest requests of each kind', async () => {
      await warmUp()
      const requests = smallRequests(server.data)
      for (const { next } of requests) await server.measure(next, 50)
      const found: Found[] = []
      for (const { name, next } of requests) found.push(await measure(name, next, 8))
      print('the most CPU time per cost', found, 'cpuPerCost')
      print('the least CPU time per cost', found, 'cpuPerCost', -1)
      expect(spread(found)).toBeLessThan(MAX_SPREAD)
    }, 900_000)

    test.each(['SSE', 'WEBSOCKET'] as const)(
      'streams over %s',
      async transport => {
        await warmUp()
        const rows = 'sessions(first: 20) { nodes { id status } }'
        const found: Found[] = []
        for (const selected of ['{ cursor }', `{ cursor person { ${rows} } }`]) {
          const query = `subscription ($e: String!) { personUpdated(externalId: $e) ${selected} }`
          const opened = await measureStreams(transport, query)
          for (const [what, { cpuMs, charged, stallMs }] of Object.entries(opened)) {
            const name = `${what} ${selected}`
            const cpuPerCost = (cpuMs - ownCpuMs) / charged
            found.push({ name, request: {}, stallMs, cpuPerCost, charged, kilobytes: 0, refused: '' })
          }
        }
        print(`streams over ${transport}`, found, 'cpuPerCost')
        expect(spread(found)).toBeLessThan(MAX_SPREAD)
      },
      900_000,
    )

    /** 50 streams are opened, and get the events of 5 changes. */
    async function measureStreams(transport: 'SSE' | 'WEBSOCKET', query: string) {
      const { externalId, sessionIds, customerId } = server.data
      const client = createRawClient(server.url)
      const sockets = createClient({
        url: server.url.replace('http', 'ws'),
        webSocketImpl: WebSocket,
        connectionParams: { authorization: `Bearer ${API_KEY}` },
      })
      let nexts = 0
      const subscribers: Subscriber[] = []
      const received = () => nexts + subscribers.reduce((count, { messages }) => count + messages.length, 0)
      const ends: (() => unknown)[] = []
      async function open(): Promise<void> {
        if (transport === 'WEBSOCKET') {
          const sink = { next: () => void nexts++, error: () => {}, complete: () => {} }
          ends.push(sockets.subscribe({ query, variables: { e: externalId } }, sink))
          return
        }
        const subscriber = await follow(server.url, { query, variables: { e: externalId } })
        subscribers.push(subscriber)
        ends.push(() => subscriber.unsubscribe())
      }
      const [STREAMS, EVENTS] = [50, 5]
      const opening = await server.measureWhile(async () => {
        await Promise.all(Array.from({ length: STREAMS }, open))
        await setTimeout(1_000)
      })
      const events = await server.measureWhile(async () => {
        for (let at = 0; at < EVENTS; at++) {
          const input = { sessionId: sessionIds[1], customerId: at % 2 === 0 ? null : customerId }
          await client.execute(
            operation('mutation ($i: LinkSessionInput!) { linkSession(input: $i) { __typename } }', { i: input }),
          )
        }
        // Changes that follow each other may be one event.
        await expect.poll(received, { timeout: 30_000 }).toBeGreaterThanOrEqual(STREAMS * 2)
        await setTimeout(2_000)
      })
      for (const end of ends) await end()
      await sockets.dispose()
      client.close()
      return { opening, events }
    }

    test('the worst requests', async () => {
      await warmUp()
      const requests = worstRequests(schema, server.data)
      // Code that ran a few times only is slow: what is compared has run as often as the rest.
      for (const { request } of requests) await server.measure(request, 8)
      const found: Found[] = []
      for (const { name, request } of requests) found.push(await measure(name, () => request))
      print('the longest delays', found, 'stallMs')
      print('the most CPU time per cost', found, 'cpuPerCost')
      print('the least CPU time per cost', found, 'cpuPerCost', -1)
      const asserted = found.filter(({ name }) => !DEAR.includes(name))
      expect(spread(asserted)).toBeLessThan(MAX_SPREAD)
    }, 900_000)

    test('the operations that a search finds', async () => {
      const random = createRandom(Number(process.env.LOAD_SEARCH))
      const toRequest = (genes: Genes) => {
        const request = toOperation(genes, schema, server.data)
        return { name: String(JSON.parse(String(request.body)).query), request }
      }
      let best: { readonly genes: Genes; readonly found: Found }[] = []
      for (let round = 0; round < Number(process.env.LOAD_ROUNDS ?? 8); round++) {
        const candidates =
          best.length === 0
            ? Array.from({ length: 60 }, () => randomGenes(random))
            : best.flatMap(({ genes }) => [1, 2, 3].map(() => mutateGenes(genes, random)))
        for (const genes of candidates) {
          const { name, request } = toRequest(genes)
          best.push({ genes, found: await measure(name, () => request) })
        }
        best = best.sort((one, other) => other.found.cpuPerCost - one.found.cpuPerCost).slice(0, 12)
      }
      print(
        'found by the search',
        best.map(({ found }) => found),
        'cpuPerCost',
      )
    }, 900_000)
  })
}
