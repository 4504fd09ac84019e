import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { dependsOnArguments, type Rule, ruleFor } from '../../schema/authorization/authorization.ts'
import { buildSchema } from '../../schema/index.ts'
import { packageRoot } from '../../src/app/package.ts'
import { SCOPES } from '../../src/domain/access/caller.ts'
import { registry } from '../../src/providers/registry.ts'
import { quotedIn, readDoc, tableRows } from '../harness/docs/docs.ts'

const rows = tableRows(readDoc('docs/reference/access.md'))
await buildSchema(registry)

function fieldsWhere(holds: (decision: Rule) => boolean): string[] {
  return [...ruleFor()].flatMap(([name, decision]) => (holds(decision) ? [name] : [])).sort()
}

test.each(SCOPES)('docs/reference/access.md lists the fields that require %s', scope => {
  const [, fields = ''] = rows.find(([name]) => name === `\`${scope}\``) ?? []
  const needing = fieldsWhere(decision => !dependsOnArguments(decision) && decision.scopes.includes(scope))
  expect(quotedIn(fields).sort()).toEqual(needing)
})

test('docs/reference/access.md names every field with another requirement than its own scopes', () => {
  const other = fieldsWhere(
    decision =>
      dependsOnArguments(decision) || decision.oneOf.length > 0 || (decision.scopes.length === 0 && !decision.clients),
  )
  const named = rows.flatMap(([fields = '', , more]) => (more === undefined ? quotedIn(fields) : []))
  expect(named.filter(name => name.includes('.')).sort()).toEqual(other)
})

const page = readDoc('docs/explanation/security.md')
const threats = tableRows(section('Threats')).slice(1)

/** The text below a heading, up to the next heading of its level. */
function section(heading: string): string {
  return page.split(/^## /m).find(part => part.startsWith(`${heading}\n`)) ?? ''
}

test('docs/explanation/security.md has a table of threats', () => {
  expect(threats.length).toBeGreaterThanOrEqual(13)
})

test.each(threats)('what prevents “%s” is shown by existing tests', (_threat, holds, shown = '') => {
  const files = quotedIn(shown)
  expect(holds).not.toBe('')
  expect(files).not.toEqual([])
  for (const file of files) {
    expect(file).toMatch(/^test\/[\w/-]+\.test\.ts$/)
    expect(existsSync(join(packageRoot(), file)), file).toBe(true)
  }
})

test.each(['TLS', 'Network', 'Key custody', 'Backups', 'Clocks', 'PostgreSQL', 'Provider dashboards'])(
  'docs/explanation/security.md leaves %s to the operator in words',
  subject => {
    expect(section('Left to the operator')).toContain(`- **${subject}`)
  },
)
