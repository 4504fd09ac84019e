import { expect, test } from 'vitest'
import { createProgress } from '../src/cli/progress.ts'

function progressOf(isTty: boolean) {
  const clock = { ms: 0 }
  let said = ''
  const write = (text: string) => {
    said += text
  }
  return { clock, said: () => said, progress: createProgress({ write, isTty, now: () => clock.ms }) }
}

test('where somebody looks, one line is written over, and left standing at the end', () => {
  const { progress, said } = progressOf(true)
  progress.tell('a', 0.5)
  progress.tell('b')
  progress.end()
  progress.end()
  expect(said()).toBe('\r\x1b[2K[############............]  50% a\r\x1b[2Kb\n')
})

test('in a log there is a line now and then, and one at the end', () => {
  const { clock, progress, said } = progressOf(false)
  progress.tell('first')
  progress.tell('too soon')
  clock.ms = 2_000
  progress.tell('second')
  progress.tell('done', 1)
  progress.end()
  expect(said()).toBe('first\nsecond\n[########################] 100% done\n')
})
