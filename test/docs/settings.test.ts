import { expect, test } from 'vitest'
import { envVarName, loadConfig, SERVER_SETTINGS } from '../../src/app/config.ts'
import { registry } from '../../src/providers/registry.ts'
import { quotedIn, readDoc, tableRows } from '../harness/docs/docs.ts'

const rows = tableRows(readDoc('docs/settings.md'))

test('docs/settings.md has every server setting once, with its default, and no unknown one', () => {
  const server = rows.filter(([name = '', , about]) => /^`[A-Z_]+`$/.test(name) && about !== undefined)
  const names = server.map(([name = '']) => name.replaceAll('`', ''))
  expect(names.sort()).toEqual([...SERVER_SETTINGS].sort())
  const listed = new Map(server.map(([name = '', value = '']) => [name.replaceAll('`', ''), value]))
  for (const [name, value] of Object.entries(loadConfig({}, []).server)) expect(listed.get(name)).toBe(`\`${value}\``)
})

test('docs/settings.md has every setting of every provider, and no unknown one', () => {
  const listed = rows.flatMap(row => (row.length === 2 ? quotedIn(row[0] ?? '') : []))
  const existing = Object.values(registry).flatMap(({ provider, settings }) =>
    Object.keys(settings.shape).map(name => envVarName(provider, name)),
  )
  expect(listed.sort()).toEqual(existing.sort())
})
