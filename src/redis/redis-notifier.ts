import type { Notifier } from '../services/events/notifier.ts'
import type { Redis } from './redis.ts'

/** With Redis, readers poll only in case a message was lost. */
const POLL_MS = 5_000

/** Notifies the readers of all instances. While Redis is down, each instance polls as often as without Redis. */
export function createRedisNotifier(notifier: Notifier, redis: Redis): Notifier {
  redis.onMessage('wake', notifier.notify)
  // Messages may have been lost, and waiting readers need the shorter interval.
  redis.onChange(notifier.wakeAll)
  return {
    ...notifier,
    pollMs: () => (redis.isUp ? POLL_MS : notifier.pollMs()),
    notify: tenantId => {
      notifier.notify(tenantId)
      redis.publish('wake', tenantId)
    },
  }
}
