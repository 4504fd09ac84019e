import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { openDatabase } from '../../db/core/open-database.ts'
import { SqliteDatabase } from '../../db/sqlite/better-sqlite3.ts'
import { createFieldEncryption } from '../../src/security/field-encryption.ts'

describe('the database', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sessiongraph-synchronous-'))
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const open = (name: string) => openDatabase(`sqlite:${join(folder, name)}`, createFieldEncryption(Buffer.alloc(32)))

  test('is refused at start if synchronous is not FULL', async () => {
    const { pragma } = SqliteDatabase.prototype
    // Some builds of the driver leave it at NORMAL without an error.
    vi.spyOn(SqliteDatabase.prototype, 'pragma').mockImplementation(function (this: Database, source, options) {
      return pragma.call(this, source === 'synchronous = FULL' ? 'synchronous = NORMAL' : source, options)
    })

    await expect(open('normal.db')).rejects.toThrow('synchronous=1, expected 2 (FULL)')
  })

  test('is accepted at start if synchronous is FULL', async () => {
    await (await open('full.db')).close()
  })
})
