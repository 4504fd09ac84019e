import { expect, test } from 'vitest'
import { Deadline } from '../src/upstream/deadline.ts'
import { createSlots, NoSlotError } from '../src/upstream/slots.ts'

/** A bounded number of calls at a time: who waits keeps its turn, and who leaves the queue leaves its place. */

const LONG_MS = 10_000

/** Work that ends when it is told to, and says in which order it began. */
function workshop() {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const work = (name: string) => () =>
    new Promise<string>(resolve => {
      begun.push(name)
      ends.set(name, () => resolve(name))
    })
  return { begun, work, end: (name: string) => ends.get(name)?.() }
}

const turnOfOthers = () => new Promise(resolve => setImmediate(resolve))

test('who came first goes first, and whoever comes later does not overtake', async () => {
  const { begun, work, end } = workshop()
  const slots = createSlots(1, 2)
  const runs = ['a', 'b', 'c'].map(name => slots.run(new Deadline(LONG_MS), work(name)))
  await expect(slots.run(new Deadline(LONG_MS), work('d'))).rejects.toBeInstanceOf(NoSlotError)
  end('a')
  await runs[0]
  const late = slots.run(new Deadline(LONG_MS), work('e'))
  await turnOfOthers()
  end('b')
  await turnOfOthers()
  end('c')
  await turnOfOthers()
  end('e')

  expect(await Promise.all([...runs, late])).toEqual(['a', 'b', 'c', 'e'])
  expect(begun).toEqual(['a', 'b', 'c', 'e'])
})

test('who leaves while it waits is not run, and its place is free at once', async () => {
  const { begun, work, end } = workshop()
  const slots = createSlots(1, 1)
  const first = slots.run(new Deadline(LONG_MS), work('a'))
  const leaving = new AbortController()
  const left = slots.run(new Deadline(LONG_MS, leaving.signal), work('b'))
  leaving.abort('left')
  const next = slots.run(new Deadline(LONG_MS), work('c'))
  await expect(left).rejects.toBe('left')
  end('a')
  await turnOfOthers()
  end('c')

  expect([await first, await next, begun]).toEqual(['a', 'c', ['a', 'c']])
})

test('who leaves in the moment in which its turn comes gives the slot on', async () => {
  const { begun, work, end } = workshop()
  const slots = createSlots(1, 2)
  const leaving = new AbortController()
  const first = slots.run(new Deadline(LONG_MS), work('a')).then(() => leaving.abort('left'))
  const left = slots.run(new Deadline(LONG_MS, leaving.signal), work('b')).catch(reason => reason)
  const next = slots.run(new Deadline(LONG_MS), work('c'))
  end('a')
  await first
  await turnOfOthers()
  end('b')
  await turnOfOthers()
  end('c')

  expect(['left', 'b']).toContain(await left)
  expect(await next).toBe('c')
  expect(begun.at(-1)).toBe('c')
})

test('work that fails frees its slot', async () => {
  const slots = createSlots(1, 0)
  await expect(slots.run(new Deadline(LONG_MS), () => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
  expect(await slots.run(new Deadline(LONG_MS), async () => 'done')).toBe('done')
})

test('a deadline that is over lets nothing begin, and says why', async () => {
  const slots = createSlots(1, 1)
  await expect(slots.run(new Deadline(LONG_MS, AbortSignal.abort('gone')), async () => 'done')).rejects.toBe('gone')
  const over = new Deadline(1)
  expect(await over.pause(LONG_MS)).toBe(false)
  await expect(slots.run(over, async () => 'done')).rejects.toMatchObject({ name: 'TimeoutError' })
  expect(await slots.run(new Deadline(LONG_MS), async () => 'done')).toBe('done')
})
