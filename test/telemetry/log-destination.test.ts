import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { createLog } from '../../src/telemetry/log.ts'
import { openLogDestination } from '../../src/telemetry/log-destination.ts'

function openLogFile() {
  const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-log-'))
  const path = join(folder, 'log')
  const fd = openSync(path, 'w')
  const messages = () =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line).msg)
  return {
    fd,
    messages,
    remove() {
      closeSync(fd)
      rmSync(folder, { recursive: true })
    },
  }
}

test('lines wait for each other, a warning for none, and none is lost at the end', async () => {
  const file = openLogFile()
  const destination = openLogDestination(file.fd)
  const log = createLog('info', destination)
  log.info('one')
  expect(file.messages()).toEqual([])
  log.warn('two')
  await vi.waitFor(() => expect(file.messages()).toEqual(['one', 'two']))
  log.info('three')
  destination.close()
  expect(file.messages()).toEqual(['one', 'two', 'three'])
  log.info('after the end')
  file.remove()
})

test('a full disk drops the lines that no buffer holds, and blocks nothing', async () => {
  const full = openSync('/dev/full', 'w')
  const destination = openLogDestination(full)
  const log = createLog('info', destination)
  const line = 'x'.repeat(10_000)
  for (let count = 0; count < 300; count++) log.warn(line)
  await vi.waitFor(() => expect(destination.dropped).toBeGreaterThan(150))
  destination.close()
  closeSync(full)
})
