import { expect, test } from 'vitest'
import { createProgress } from '../../src/cli/progress.ts'

function progressOf(isTty: boolean) {
  const clock = { ms: 0 }
  let output = ''
  const write = (text: string) => {
    output += text
  }
  return { clock, output: () => output, progress: createProgress({ write, isTty, now: () => clock.ms }) }
}

test('on a terminal, one progress line is rewritten and stays at the end', () => {
  const { progress, output } = progressOf(true)
  progress.report('a', 0.5)
  progress.report('b')
  progress.end()
  progress.end()
  expect(output()).toBe('\r\x1b[2K[############............]  50% a\r\x1b[2Kb\n')
})

test('in a log, progress prints a line from time to time, and one at the end', () => {
  const { clock, progress, output } = progressOf(false)
  progress.report('first')
  progress.report('too soon')
  clock.ms = 2_000
  progress.report('second')
  progress.report('done', 1)
  progress.end()
  expect(output()).toBe('first\nsecond\n[########################] 100% done\n')
})
