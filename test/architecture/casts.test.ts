import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { uncheckedCasts } from '../harness/rules/casts.ts'
import { listFiles, PACKAGE } from '../harness/rules/imports.ts'

/** The files with an unchecked cast, each with a comment that says why the value has the type. */
const ALLOWED: Readonly<Record<string, string>> = {
  'db/core/prepared-query.ts': 'placeholders stand for values of any type',
  'schema/federation/entities.ts': 'Pothos expects the type of one node',
  'schema/mutations/create.ts': 'Pothos derives a type from a type parameter',
  'src/http/fast-path/minimal-fetch.ts': 'Yoga uses a part of the fetch API',
}

describe('casts', () => {
  it('are checked by the compiler, except in a few places', () => {
    const files = listFiles('src', 'schema', 'db', 'test', 'scripts').filter(file => file.endsWith('.ts'))
    const found = files.filter(file => uncheckedCasts(readFileSync(join(PACKAGE, file), 'utf8')).length > 0)
    const isInTest = (file: string) => file.startsWith('test/')
    expect(found.filter(file => !isInTest(file)).sort()).toEqual(Object.keys(ALLOWED))
    expect(found.filter(isInTest)).toEqual([])
  })

  it('are found through unknown, and to never', () => {
    expect(uncheckedCasts('f(a as unknown as B, (c as unknown) as D, e as never[], g as never, h as I)')).toHaveLength(
      4,
    )
  })
})
