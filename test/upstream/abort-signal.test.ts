import { expect, test } from 'vitest'
import { type AbortSignalLike, LightAbortSignal, toAbortSignal } from '../../src/domain/abort-signal.ts'
import { createRandom } from '../harness/app/load.ts'

/** The signal of our reads beside Node's own, with the same history. */

const LISTENERS = 6
const STEPS = 30

/** What a signal shows and calls in a random history. A listener that is called removes another one, or itself. */
function historyOf(seed: number, signal: AbortSignalLike, abort: (reason: unknown) => void): unknown[] {
  const random = createRandom(seed)
  const pick = () => Math.floor(random() * LISTENERS)
  const log: unknown[] = []
  const removed = Array.from({ length: LISTENERS }, pick)
  const listeners = removed.map((other, name) => () => {
    log.push(name, signal.aborted, signal.reason)
    signal.removeEventListener('abort', listeners[other] as () => void)
  })
  for (let step = 0; step < STEPS; step++) {
    const listener = listeners[pick()] as () => void
    const choice = random()
    if (choice < 0.5) signal.addEventListener('abort', listener, { once: true })
    else if (choice < 0.8) signal.removeEventListener('abort', listener)
    else if (choice < 0.85) abort(`reason ${step}`)
    log.push(signal.aborted, signal.reason)
    try {
      signal.throwIfAborted()
    } catch (error) {
      log.push(error)
    }
  }
  return log
}

test('a light signal calls the listeners that an AbortSignal calls, in every history', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const controller = new AbortController()
    const light = new LightAbortSignal()
    const expected = historyOf(seed, controller.signal, reason => controller.abort(reason))
    expect(
      historyOf(seed, light, reason => light.abort(reason)),
      String(seed),
    ).toEqual(expected)
  }
})

test('an abort without a reason has an AbortError', () => {
  const light = new LightAbortSignal()
  light.abort()
  expect(light.reason).toEqual(AbortSignal.abort().reason)
})

test.each([true, false])('an AbortSignal of a light one aborts with it (before: %s)', isBefore => {
  const light = new LightAbortSignal()
  if (isBefore) light.abort('gone')
  const signal = toAbortSignal(light)
  expect(signal.aborted).toBe(isBefore)
  light.abort('gone')
  expect([signal.aborted, signal.reason, toAbortSignal(signal) === signal]).toEqual([true, 'gone', true])
})
