/** True if a result has more than `max` characters in its names and strings, and more for its other values. */
export function isLargerThan(result: unknown, max: number): boolean {
  let left = max

  function count(value: unknown): void {
    if (left < 0) return
    if (typeof value === 'string') left -= value.length + 3
    else if (typeof value !== 'object' || value === null) left -= 6
    else if (Array.isArray(value)) for (const item of value) count(item)
    else {
      for (const name in value) {
        left -= name.length + 4
        count((value as Record<string, unknown>)[name])
      }
    }
  }

  count(result)
  return left < 0
}
