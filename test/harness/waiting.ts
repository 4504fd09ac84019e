import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until `holds` returns true. Throws after `withinMs`: long by default, because a busy machine is slow. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<void> {
  const end = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('The condition was not met in time.')
    await sleep(5)
  }
}

/** The result of `run`, and its duration in milliseconds. */
export async function timed<T>(run: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const began = performance.now()
  const value = await run()
  return { value, ms: performance.now() - began }
}
