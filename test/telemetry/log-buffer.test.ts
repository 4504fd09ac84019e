import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLog } from '../../src/telemetry/log.ts'
import { openLogBuffer } from '../../src/telemetry/log-buffer.ts'

test('log lines are written in batches, a warning at once, and none is lost at exit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-log-'))
  const path = join(folder, 'log')
  const file = openSync(path, 'w')
  const buffer = openLogBuffer(file)
  const log = createLog('info', buffer)
  const output = () =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line).msg)
  log.info('one')
  expect(output()).toEqual([])
  log.warn('two')
  expect(output()).toEqual(['one', 'two'])
  log.info('three')
  buffer.close()
  expect(output()).toEqual(['one', 'two', 'three'])
  closeSync(file)
  rmSync(folder, { recursive: true })
})
