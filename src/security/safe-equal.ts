import { hash, timingSafeEqual } from 'node:crypto'

/** Compares in constant time. Both sides are hashed first, so that the time does not depend on their lengths either. */
export function safeEqual(one: string, other: string): boolean {
  return timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer'))
}
