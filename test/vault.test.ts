import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { SEALED_TABLES } from '../db/sealed-columns.ts'
import { createVault, UnreadableError } from '../src/security/vault.ts'

const OLD = Buffer.alloc(32, 1)
const NEW = Buffer.alloc(32, 2)

describe('a vault of several keys', () => {
  const old = createVault(OLD)
  const both = createVault([NEW, OLD])
  const current = createVault([NEW])

  test('seals with the first and opens with all', () => {
    expect(both.open(old.seal('a text'))).toBe('a text')
    expect(current.open(both.seal('a text'))).toBe('a text')
    expect(() => old.open(both.seal('a text'))).toThrow(UnreadableError)
  })

  test('finds what any of them indexed', () => {
    expect(both.blindIndexes(' Ada@Example.com ')).toEqual([
      current.blindIndex('ada@example.com'),
      old.blindIndex('ada@example.com'),
    ])
  })

  test('knows the print that any of them made, and one that was made without a name', () => {
    for (const stored of [old.print('input'), current.print('input'), old.fingerprint('input')]) {
      expect(both.isPrint(stored, 'input')).toBe(true)
      expect(both.isPrint(stored, 'another')).toBe(false)
    }
    expect(current.isPrint(old.print('input'), 'input')).toBe(false)
  })

  test.each([
    ['that was changed', (sealed: string) => sealed.replace(/.{3}$/, 'AAA')],
    ['that was cut', (sealed: string) => sealed.slice(0, 20)],
    ['of another key', () => createVault(Buffer.alloc(32, 9)).seal('x')],
    ['that was never sealed', () => 'in clear'],
    ['that is empty', () => ''],
  ])('says of a text %s that it cannot be read, and not what it is', (_, change) => {
    expect(() => both.open(change(old.seal('a secret text')))).toThrow(UnreadableError)
  })

  test('tells of a damaged value once for each reason', () => {
    const told: string[] = []
    const vault = createVault(NEW, error => told.push(error.message))
    for (const text of [old.seal('1'), old.seal('2'), '3']) {
      try {
        vault.open(text)
      } catch (error) {
        vault.report(error as UnreadableError)
      }
    }
    expect(told).toHaveLength(2)
  })
})

test('every sealed or indexed column of the tables is one that a rotation rewrites', () => {
  const source = readFileSync(new URL('../db/tables.ts', import.meta.url), 'utf8')
  const tables = new Map([...source.matchAll(/readonly (\w+): (\w+Row)\n/g)].map(([, table, row]) => [row, table]))
  const found: string[] = []
  for (const [, row = '', body = ''] of source.matchAll(/interface (\w+Row)[^{]*\{(.*?)\n\}/gs)) {
    for (const [, column] of body.matchAll(/readonly (\w+_(?:sealed|index)):/g))
      found.push(`${tables.get(row)}.${column}`)
  }
  const listed = SEALED_TABLES.flatMap(({ table, sealed, index }) =>
    [...sealed, ...(index ? [index.column] : [])].map(column => `${table}.${column}`),
  )
  expect(listed.sort()).toEqual(found.sort())
})
