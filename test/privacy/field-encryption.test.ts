import { describe, expect, test } from 'vitest'
import { openDatabase } from '../../db/core/open-database.ts'
import { ENCRYPTED_COLUMNS } from '../../db/encryption/encrypted-columns.ts'
import { createFieldEncryption, UnreadableError } from '../../src/security/field-encryption.ts'

const OLD = Buffer.alloc(32, 1)
const NEW = Buffer.alloc(32, 2)
const PLACE = { table: 'sessions', column: 'details_encrypted', tenantId: 'dev', key: ['1'] }
const SCOPE = { table: 'customers', tenantId: 'dev' }

describe('field encryption with several keys', () => {
  const old = createFieldEncryption(OLD)
  const both = createFieldEncryption([NEW, OLD])
  const current = createFieldEncryption([NEW])

  test('encrypts with the first and decrypts with all', () => {
    expect(both.decrypt(old.encrypt('a text', PLACE), PLACE)).toBe('a text')
    expect(current.decrypt(both.encrypt('a text', PLACE), PLACE)).toBe('a text')
    expect(() => old.decrypt(both.encrypt('a text', PLACE), PLACE)).toThrow(UnreadableError)
  })

  test('finds values indexed with any of them', () => {
    expect(both.blindIndexes(' Ada@Example.com ', SCOPE)).toEqual([
      current.blindIndex('ada@example.com', SCOPE),
      old.blindIndex('ada@example.com', SCOPE),
    ])
  })

  test('decrypts a value in no other place, however its parts are split', () => {
    const place = { table: 'a', column: 'b', tenantId: 'c', key: ['d', 'e'] }
    const text = current.encrypt('a text', place)
    for (const other of [
      { ...place, table: 'b', column: 'a' },
      { ...place, tenantId: null },
      { ...place, tenantId: 'c,d', key: ['e'] },
      { ...place, tenantId: 'c","d', key: ['e'] },
      { ...place, key: ['e', 'd'] },
      { ...place, key: ['de'] },
      { ...place, key: ['d'] },
    ]) {
      expect(() => current.decrypt(text, other)).toThrow(UnreadableError)
    }
    expect(current.decrypt(text, { ...place })).toBe('a text')
  })

  test('indexes a value differently for each tenant and table', () => {
    const scopes = [
      SCOPE,
      { ...SCOPE, tenantId: 'other' },
      { ...SCOPE, table: 'applicants' },
      { table: 'customers","dev', tenantId: '' },
    ]
    expect(new Set(scopes.map(scope => current.blindIndex('ada@example.com', scope))).size).toBe(scopes.length)
  })

  test('recognizes the fingerprint that any of them made, and one without a name', () => {
    for (const stored of [
      old.storedFingerprint('input'),
      current.storedFingerprint('input'),
      old.fingerprint('input'),
    ]) {
      expect(both.isFingerprint(stored, 'input')).toBe(true)
      expect(both.isFingerprint(stored, 'another')).toBe(false)
    }
    expect(current.isFingerprint(old.storedFingerprint('input'), 'input')).toBe(false)
  })

  test.each([
    ['that was changed', (encrypted: string) => encrypted.replace(/.{3}$/, 'AAA')],
    ['that was cut', (encrypted: string) => encrypted.slice(0, 20)],
    ['of another key', () => createFieldEncryption(Buffer.alloc(32, 9)).encrypt('x', PLACE)],
    ['that was never encrypted', () => 'in clear'],
    ['that is empty', () => ''],
  ])('reports that a value %s cannot be decrypted, without the value', (_, change) => {
    expect(() => both.decrypt(change(old.encrypt('a secret text', PLACE)), PLACE)).toThrow(UnreadableError)
  })

  test('reports a damaged value once for each reason', () => {
    const reported: string[] = []
    const encryption = createFieldEncryption(NEW, error => reported.push(error.message))
    for (const text of [old.encrypt('1', PLACE), old.encrypt('2', PLACE), '3']) {
      try {
        encryption.decrypt(text, PLACE)
      } catch (error) {
        encryption.report(error as UnreadableError)
      }
    }
    expect(reported).toHaveLength(2)
  })
})

test('a rotation rewrites every encrypted column of the database, and every index of one', async () => {
  const db = await openDatabase('sqlite::memory:', createFieldEncryption(NEW))
  const tables = await db.sql.introspection.getTables()
  await db.close()
  const columns = tables.flatMap(table => table.columns.map(({ name }) => `${table.name}.${name}`))
  const rewritten = ENCRYPTED_COLUMNS.flatMap(({ table, encrypted, index }) =>
    [...encrypted, ...(index ? [index.column] : [])].map(column => `${table}.${column}`),
  )
  expect(rewritten.sort()).toEqual(columns.filter(column => /_(?:encrypted|index)$/.test(column)).sort())
})
