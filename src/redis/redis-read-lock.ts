import { createHash, randomUUID } from 'node:crypto'
import type { AbortSignalLike } from '../domain/abort-signal.ts'
import type { ReadLock, ReadLockLease } from '../upstream/read-lock.ts'
import type { Redis } from './redis.ts'

const NO_LOCK: ReadLockLease = { waited: false, release: () => {} }
const WAITED: ReadLockLease = { waited: true, release: () => {} }

/** Deletes the lock only for its owner: it may have expired and belong to another instance. */
const RELEASE_SCRIPT = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"

/** Waiting takes at most this part of a read's time, which leaves enough to read without the lock. */
const WAIT_RATIO = 1 / 4

/** `longestMs`: the longest time of a read, after which a lock expires. */
export function createRedisReadLock(redis: Redis, longestMs: number): ReadLock {
  const waiting = new Map<string, Set<() => void>>()

  redis.onMessage('turn', name => {
    for (const stop of [...(waiting.get(name) ?? [])]) stop()
  })
  redis.onChange(() => {
    for (const group of [...waiting.values()]) for (const stop of [...group]) stop()
  })

  /** `released` resolves at the release of the lock, on abort, on timeout, or on `stop`. */
  function listen(name: string, signal: AbortSignalLike): { readonly released: Promise<void>; stop(): void } {
    let stop = () => {}
    const released = new Promise<void>(resolve => {
      stop = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
        const group = waiting.get(name)
        group?.delete(stop)
        if (group?.size === 0) waiting.delete(name)
        resolve()
      }
      const timer = setTimeout(stop, longestMs * WAIT_RATIO)
      signal.addEventListener('abort', stop, { once: true })
      waiting.set(name, (waiting.get(name) ?? new Set()).add(stop))
    })
    return { released, stop }
  }

  /** Publishes even where the lock expired before: waiting instances know no other end. */
  async function release(name: string, token: string): Promise<void> {
    await redis.send(client => client.eval(RELEASE_SCRIPT, 1, redis.key(`turn:${name}`), token))
    redis.publish('turn', name)
  }

  return {
    async acquire(key, signal) {
      if (!redis.isUp || signal.aborted) return NO_LOCK
      const name = createHash('sha256').update(key).digest('base64url').slice(0, 24)
      const token = randomUUID()
      // Listens before it requests the lock, so that a release right after the reply is not missed.
      const { released, stop } = listen(name, signal)
      const taken = await redis.send(client =>
        client.set(redis.key(`turn:${name}`), token, 'PX', longestMs, 'NX').then(reply => reply ?? 'NO'),
      )
      if (taken === 'NO') {
        await released
        return WAITED
      }
      stop()
      // A request without a reply in time may still have taken the lock, so the lease releases it.
      return { waited: false, release: () => void release(name, token) }
    },
  }
}
