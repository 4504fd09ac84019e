import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findCycles } from '../harness/rules/cycles.ts'
import { listFiles, readSources } from '../harness/rules/imports.ts'

const MAX_FILES_IN_A_FOLDER = 20

const isSource = (file: string) => /\.(ts|graphql)$/.test(file)

function foldersOver(max: number, files: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1)
  return [...counts].filter(([, count]) => count > max).map(([folder, count]) => `${folder} has ${count} files`)
}

describe('the layout', () => {
  it('has no folder with more than 20 files', () => {
    const files = listFiles('src', 'schema', 'db', 'test', 'scripts').filter(isSource)
    expect(foldersOver(MAX_FILES_IN_A_FOLDER, files)).toEqual([])
    expect(foldersOver(1, ['src/a/one.ts', 'src/a/two.ts', 'src/b/one.ts'])).toEqual(['src/a has 2 files'])
  })

  it('has no import cycle, types included', () => {
    expect(findCycles(readSources('src', 'schema', 'db'))).toEqual([])
  })

  it('reports a cycle with its files in order', () => {
    const toSource = (file: string, ...imports: string[]) => ({
      file,
      imports: imports.map(to => ({ to, kind: 'type' as const })),
      uses: [],
      exportsDefault: false,
    })
    const sources = [
      toSource('a.ts', 'b.ts'),
      toSource('b.ts', 'c.ts'),
      toSource('c.ts', 'a.ts'),
      toSource('d.ts', 'a.ts'),
    ]
    expect(findCycles(sources)).toEqual(['a.ts > b.ts > c.ts > a.ts'])
  })
})
