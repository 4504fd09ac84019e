import { setTimeout as sleep } from 'node:timers/promises'
import { decodeGlobalId } from '../../../src/domain/global-id.ts'
import type { SessionStatus } from '../../../src/domain/records/session.ts'
import { createRandom } from '../../../src/sandbox/random.ts'
import { deliver, fromKayle, openEndpoint, type WebhookTarget } from '../providers/deliveries.ts'
import type { FaultyResponse } from '../providers/faulty-provider.ts'
import { createKayleSession } from '../providers/kayle-session.ts'
import { type Instance, type Instances, startInstances } from './instances.ts'
import { openRedisLine, type RedisLine } from './redis.ts'
import type { TestApp } from './test-app.ts'

/**
 * Instances with skewed clocks that change, on one database. A seeded scheduler changes the state at the provider, makes
 * instances read it in every possible way, and delivers the responses in any order.
 */
export interface Simulation {
  /** Runs one scenario. Returns the violated invariants. */
  run(seed: number): Promise<string[]>
  close(): Promise<void>
}

const WORDS = ['created', 'in_progress', 'cancelled'] as const
const STATUS: Readonly<Record<string, SessionStatus>> = {
  created: 'CREATED',
  in_progress: 'IN_PROGRESS',
  cancelled: 'CANCELED',
}
const STEPS = 40
/** A longer wait means that a response or an event was lost. */
const TIMEOUT_MS = 15_000

interface Truth {
  readonly word: string
  /** The step in which the state began. */
  readonly since: number
}

/** A pending request of an instance. */
interface Held {
  /** The state when the provider handled the request. */
  readonly word: string
  answer(): void
}

/** `redis`: the URL of a reachable Redis. The connection of each instance to it fails now and then. */
export async function startSimulation(size: number, redis: string | undefined): Promise<Simulation> {
  const skews: number[] = Array.from({ length: size }, () => 0)
  const lines: RedisLine[] = []
  for (let place = 0; redis && place < size; place++) lines.push(await openRedisLine(redis))
  const clocks = skews.map((_, place): Instance => {
    const env = { REDIS_URL: lines[place]?.url }
    return { env, now: () => new Date(Date.now() + (skews[place] ?? 0)) }
  })
  const instances = await startInstances(['KAYLE'], clocks)
  const endpoint = await openEndpoint(instances.at(0), 'KAYLE')
  let histories = 0

  return {
    async run(seed) {
      const { id, providerId } = await createKayleSession(instances.at(0), `story-${++histories}`)
      const history = new History(instances, { seed, skews, lines, endpoint, id, providerId })
      const broken = await history.run()
      instances.provider('KAYLE').policy.behave()
      skews.fill(0)
      return broken.map(what => `seed ${seed}: ${what}`)
    },
    close: async () => {
      await instances.close()
      await Promise.all(lines.map(line => line.close()))
    },
  }
}

interface HistoryOptions {
  readonly seed: number
  readonly skews: number[]
  readonly lines: readonly RedisLine[]
  readonly endpoint: WebhookTarget
  readonly id: string
  readonly providerId: string
}

class History {
  readonly #instances: Instances
  readonly #options: HistoryOptions
  readonly #random: () => number
  readonly #broken: string[] = []
  readonly #truths: Truth[] = [{ word: 'created', since: 0 }]
  readonly #inFlight = new Set<Promise<unknown>>()
  #held: Held[] = []
  #step = 0
  /** The step in which the newest completed read began. */
  #known = 0

  constructor(instances: Instances, options: HistoryOptions) {
    this.#instances = instances
    this.#options = options
    this.#random = createRandom(options.seed)
  }

  async run(): Promise<string[]> {
    this.#instances.provider('KAYLE').policy.behave(({ method }) => (method === 'GET' ? this.#hold() : 'PASS'))
    for (this.#step = 1; this.#step <= STEPS; this.#step++) {
      this.#act()
      // Some of the pending requests make progress, others do not.
      await sleep(this.#below(4))
    }
    await this.#settle()
    return this.#broken
  }

  #act(): void {
    const place = this.#below(this.#options.skews.length)
    const act = this.#below(10)
    if (act < 2) this.#truths.push({ word: this.#pick(WORDS), since: this.#step })
    else if (act < 4) this.#ask(place, this.#below(2) ? 0 : 1 + this.#below(20))
    else if (act < 5) this.#ask(place, 0)
    else if (act < 6) this.#deliverNotice(place)
    else if (act < 7) this.#options.skews[place] = this.#pick([-60_000, -900, -300, 0, 300, 900, 60_000])
    else if (this.#below(20) === 0) this.#options.lines[place]?.stall()
    else this.#answerOne()
  }

  /** The provider reads its state now. The scheduler decides when it responds. */
  #hold(): Promise<(given: FaultyResponse) => FaultyResponse> {
    const { word } = this.#truth()
    return new Promise(resolve => {
      const answer = () =>
        resolve(given => ({ ...given, text: given.text.replace(/"status":"\w+"/, `"status":"${word}"`) }))
      this.#held.push({ word, answer })
    })
  }

  #answerOne(): void {
    const [held] = this.#held.splice(this.#below(this.#held.length || 1), 1)
    held?.answer()
  }

  /** A fresh read must not return a state that ended before the read began. */
  #ask(place: number, maxAgeSeconds: number): void {
    const began = this.#step
    const query = `query ($id: ID!, $age: Int!) {
      session(by: { id: $id }, freshness: { maxAgeSeconds: $age, onError: FAIL }) { status sync { stale } }
    }`
    const request = this.#instances
      .at(place)
      .execute(query, { id: this.#options.id, age: maxAgeSeconds })
      .then(({ data }) => {
        if (data?.session && maxAgeSeconds === 0) this.#expectReported('a read of now', data.session.status, began)
      })
    this.#watch(request)
  }

  #deliverNotice(place: number): void {
    const { endpoint, providerId, skews } = this.#options
    const event = { type: 'verification.session.cancelled', sessionId: providerId }
    const at = new Date(Date.now() + (skews[place] ?? 0))
    const { services } = this.#instances.at(place)
    this.#watch(
      fromKayle(endpoint, event, at)
        .then(parcel => deliver(this.#instances.at(place), endpoint, parcel))
        .then(() => services.webhookInbox.applyDue()),
    )
  }

  #watch(request: Promise<unknown>): void {
    const followedSessions = request
      .catch(error => void this.#broken.push(String(error)))
      .finally(() => this.#inFlight.delete(followedSessions))
    this.#inFlight.add(followedSessions)
  }

  #expectReported(what: string, status: SessionStatus, began: number): void {
    this.#known = Math.max(this.#known, began)
    this.#check(what, status, began)
  }

  #check(what: string, status: SessionStatus | undefined, began: number): void {
    const since = this.#truths.filter((_, index) => {
      const next = this.#truths[index + 1]
      return !next || next.since >= began
    })
    if (since.some(({ word }) => STATUS[word] === status)) return
    const could = since.map(({ word }) => word).join(', ')
    this.#broken.push(`${what} returned ${status}; since the request it was ${could}`)
  }

  /** Delivers all responses in any order. Then every instance must have the last state, after a read or a webhook. */
  async #settle(): Promise<void> {
    const until = performance.now() + TIMEOUT_MS
    while (this.#inFlight.size > 0 && performance.now() < until) {
      this.#answerOne()
      await sleep(1)
    }
    if (this.#inFlight.size > 0) this.#broken.push(`${this.#inFlight.size} reads were never answered`)
    const { apps, provider } = this.#instances
    for (const app of apps) await app.services.fetchedAtWriter.flush()
    // Also waits for reads in the background.
    for (let quiet = 0; quiet < 10; quiet++) {
      if (this.#held.length > 0 || (await this.#hasWorkInFlight())) quiet = 0
      for (const { answer } of this.#held.splice(0)) answer()
      await sleep(5)
    }
    for (const app of apps) await app.services.fetchedAtWriter.flush()
    // The store has the state of the newest completed read, or a newer one.
    this.#check('the store', await this.#storedStatus(apps[0]), this.#known)
    provider('KAYLE').policy.behave(({ method }) => (method === 'GET' ? this.#answerNow() : 'PASS'))
    this.#deliverNotice(this.#below(apps.length))
    await Promise.all([...this.#inFlight])
    // All retries are due.
    this.#options.skews.fill(20 * 60_000)
    for (const app of apps) await app.services.webhookInbox.applyDue()
    for (const app of apps) await app.services.fetchedAtWriter.flush()
    await this.#lookBehind()
    await Promise.all(this.#options.lines.map(line => line.mend()))
  }

  async #lookBehind(): Promise<void> {
    const { apps } = this.#instances
    const { word } = this.#truth()
    for (const app of apps) {
      const status = await this.#storedStatus(app)
      if (status !== STATUS[word])
        this.#broken.push(`the last state at the provider is ${word}, and ${status} is stored`)
    }
    const waiting = await apps[0]?.db.sql.selectFrom('deliveries').select('id').where('state', '=', 'STORED').execute()
    if (waiting?.length) this.#broken.push(`${waiting.length} deliveries were never applied`)
  }

  async #answerNow(): Promise<(given: FaultyResponse) => FaultyResponse> {
    const { word } = this.#truth()
    return given => ({ ...given, text: given.text.replace(/"status":"\w+"/, `"status":"${word}"`) })
  }

  async #hasWorkInFlight(): Promise<boolean> {
    const accounts = this.#instances.apps.map(app => app.services.accounts.get('dev', 'KAYLE'))
    return (await Promise.all(accounts)).some(({ upstream }) => upstream.health().inFlight > 0)
  }

  async #storedStatus(app: TestApp | undefined): Promise<SessionStatus | undefined> {
    const { id = '' } = decodeGlobalId(this.#options.id) ?? {}
    const [session] = (await app?.services.sessions.findMany({ tenantId: 'dev' }, [id])) ?? []
    return session?.status
  }

  #truth(): Truth {
    return this.#truths.at(-1) as Truth
  }

  #below(size: number): number {
    return Math.floor(this.#random() * size)
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#below(values.length)] as T
  }
}
