import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { repeatedExports, toExports } from '../harness/rules/exports.ts'
import { listFiles, PACKAGE } from '../harness/rules/imports.ts'

describe('exported names', () => {
  it('have one meaning: no two modules export the same name', () => {
    const files = listFiles('src', 'schema', 'db').filter(file => file.endsWith('.ts'))
    const modules = files.map(file => toExports(file, readFileSync(join(PACKAGE, file), 'utf8')))
    expect(repeatedExports(modules)).toEqual([])
  })

  it('are reported with their modules, except for the modules that every provider folder has', () => {
    const kayle = toExports('src/providers/kayle/mapper.ts', 'export function toSession() {}')
    const yorlet = toExports('src/providers/yorlet/mapper.ts', 'export const toSession = 1')
    const repository = toExports('db/session.ts', 'export { read as toSession }')
    expect(repeatedExports([kayle, yorlet])).toEqual([])
    expect(repeatedExports([kayle, repository])).toEqual(['toSession: src/providers/kayle/mapper.ts, db/session.ts'])
    expect(
      repeatedExports([kayle, toExports('src/providers/kayle/input.ts', 'export type toSession = 1')]),
    ).toHaveLength(1)
    expect(
      repeatedExports([repository, toExports('src/providers/kayle/wire.ts', 'export const toSession = 1')]),
    ).toEqual([])
  })
})
