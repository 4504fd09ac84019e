import { budgetsOf, type Caller } from '../../domain/access/caller.ts'

/** The open subscriptions of this instance. */
export interface SubscriptionRegistry {
  /** Undefined if the key or the token has the maximum open. The stream is closed soon after the caller's key or token expires. */
  open(caller: Caller, request: object): ActiveSubscription | undefined
  /** The stream that was opened for a request. */
  of(request: object): ActiveSubscription | undefined
  /** Closes all streams with the reason, and from now on each new one. */
  end(reason: CloseReason): void
  count(): number
}

/**
 * Why the server closed a stream. CLOSING: shutdown; another instance resumes after the last event. KEY_OVER: the key or
 * token has expired or was revoked. Clients see it as `extensions.reason`.
 */
export type CloseReason = 'CLOSING' | 'KEY_OVER'

export interface ActiveSubscription {
  readonly ended: AbortSignal
  end(reason?: CloseReason): void
  /** Undefined if the client or the subscription closed it. */
  readonly reason: CloseReason | undefined
  /** Sets `cursor` before the event is sent. */
  reached(cursor: string): void
  /** The cursor of the last event. */
  readonly cursor: string | undefined
}

/** Over all client tokens of the key. */
export const MAX_SUBSCRIPTIONS_PER_KEY = 1_000
export const MAX_SUBSCRIPTIONS_PER_TOKEN = 20

/** How often the credentials of open streams are checked. */
const RECHECK_INTERVAL_MS = 2_000

/** `isLive`: whether a caller's key or token is still valid. */
export function createSubscriptionRegistry(isLive: (caller: Caller) => Promise<boolean>): SubscriptionRegistry {
  const open = new Set<OpenSubscription>()
  const perBudget = new Map<string, number>()
  const byRequest = new WeakMap<object, ActiveSubscription>()
  const all = () => [...open]
  let closeReason: CloseReason | undefined
  let recheckTimer: NodeJS.Timeout | undefined

  async function recheck(): Promise<void> {
    // A stream stays open while the database is unavailable.
    const ended = await Promise.all(
      all().map(async stream => !(await isLive(stream.caller).catch(() => true)) && stream),
    )
    for (const stream of ended) if (stream) stream.end('KEY_OVER')
  }

  return {
    count: () => open.size,
    end: reason => {
      closeReason = reason
      for (const stream of all()) stream.end(reason)
    },
    of: request => byRequest.get(request),
    open: (caller, request) => {
      const { key, token } = budgetsOf(caller)
      if ((perBudget.get(key) ?? 0) >= MAX_SUBSCRIPTIONS_PER_KEY) return undefined
      if (token && (perBudget.get(token) ?? 0) >= MAX_SUBSCRIPTIONS_PER_TOKEN) return undefined
      const budgets = token ? [key, token] : [key]
      const stream = createSubscription(caller, () => {
        open.delete(stream)
        for (const budget of budgets) addTo(perBudget, budget, -1)
        if (open.size > 0) return
        clearInterval(recheckTimer)
        recheckTimer = undefined
      })
      open.add(stream)
      byRequest.set(request, stream)
      for (const budget of budgets) addTo(perBudget, budget, 1)
      recheckTimer ??= setInterval(recheck, RECHECK_INTERVAL_MS)
      if (closeReason) stream.end(closeReason)
      return stream
    },
  }
}

/** Adds to a count, and removes it once it is 0. */
function addTo(counts: Map<string, number>, name: string, change: 1 | -1): void {
  const count = (counts.get(name) ?? 0) + change
  if (count > 0) counts.set(name, count)
  else counts.delete(name)
}

interface OpenSubscription extends ActiveSubscription {
  readonly caller: Caller
}

function createSubscription(caller: Caller, onEnd: () => void): OpenSubscription {
  const ending = new AbortController()
  let last: string | undefined
  let why: CloseReason | undefined
  ending.signal.addEventListener('abort', onEnd, { once: true })
  return {
    caller,
    ended: ending.signal,
    end: reason => {
      if (!ending.signal.aborted) why = reason
      ending.abort()
    },
    get reason() {
      return why
    },
    reached: cursor => {
      last = cursor
    },
    get cursor() {
      return last
    },
  }
}
