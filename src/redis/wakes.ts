import type { Hub } from '../live/hub.ts'
import type { Redis } from './redis.ts'

/** While messages come, a reader looks by itself only in case one was lost. */
const POLL_MS = 5_000

/** Wakes the readers of all instances. Where Redis is away each instance looks for itself, as often as without it. */
export function shareWakes(hub: Hub, redis: Redis): Hub {
  redis.onMessage('wake', hub.wake)
  // What was said meanwhile was not heard; and who sleeps long has to sleep shorter now.
  redis.onChange(hub.wakeAll)
  return {
    ...hub,
    pollMs: () => (redis.isUp ? POLL_MS : hub.pollMs()),
    wake: tenantId => {
      hub.wake(tenantId)
      redis.publish('wake', tenantId)
    },
  }
}
