import { createHash, randomUUID } from 'node:crypto'
import type { Turn, Turns } from '../upstream/turns.ts'
import type { Redis } from './redis.ts'

const ALONE: Turn = { end: () => {} }

/** Only who took a turn ends it: it may have run out, and be another's by now. */
const END = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"

/** `longestMs`: as long as a read may take. Who hears nothing for so long reads it itself. */
export function shareTurns(redis: Redis, longestMs: number): Turns {
  const waiting = new Map<string, Set<(read: boolean) => void>>()

  redis.onMessage('turn', message => {
    const [name = '', read] = message.split(' ')
    for (const wake of waiting.get(name) ?? []) wake(read === '1')
  })
  redis.onChange(() => {
    for (const group of waiting.values()) for (const wake of group) wake(false)
  })

  /** True where it was read within the time; false where it was not, or nobody said so. */
  function hear(name: string, signal: AbortSignal): { readonly heard: Promise<boolean>; stop(): void } {
    let stop = () => {}
    const heard = new Promise<boolean>(resolve => {
      const wake = (read: boolean) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', leave)
        const group = waiting.get(name)
        group?.delete(wake)
        if (group?.size === 0) waiting.delete(name)
        resolve(read)
      }
      const leave = () => wake(false)
      const timer = setTimeout(leave, longestMs)
      signal.addEventListener('abort', leave, { once: true })
      waiting.set(name, (waiting.get(name) ?? new Set()).add(wake))
      stop = leave
    })
    return { heard, stop }
  }

  return {
    async take(key, signal) {
      if (!redis.isUp) return ALONE
      const name = createHash('sha256').update(key).digest('base64url').slice(0, 24)
      const token = randomUUID()
      // Listening begins before the question, so that an end that comes right after the answer is heard.
      const { heard, stop } = hear(name, signal)
      const place = redis.key(`turn:${name}`)
      const taken = await redis.ask(client =>
        client.set(place, token, 'PX', longestMs, 'NX').then(said => said ?? 'NO'),
      )
      if (taken === 'NO') return (await heard) ? 'READ' : ALONE
      stop()
      if (taken === undefined) return ALONE
      return {
        end: read => {
          void redis
            .ask(client => client.eval(END, 1, place, token))
            .then(ended => ended === 1 && redis.publish('turn', `${name} ${read ? 1 : 0}`))
        },
      }
    },
  }
}
