import { expect, test } from 'vitest'
import { type Decision, decided } from '../schema/access.ts'
import { buildSchema } from '../schema/index.ts'
import { SCOPES } from '../src/domain/caller.ts'
import { registry } from '../src/providers/registry.ts'
import { quotedIn, readDoc, tableRows } from './harness/docs.ts'

const rows = tableRows(readDoc('docs/security.md'))
await buildSchema(registry)

function fieldsWhere(holds: (decision: Decision) => boolean): string[] {
  return [...decided()].flatMap(([name, decision]) => (holds(decision) ? [name] : [])).sort()
}

test.each(SCOPES)('docs/security.md says of %s which fields need it', scope => {
  const [, fields = ''] = rows.find(([name]) => name === `\`${scope}\``) ?? []
  const needing = fieldsWhere(decision => typeof decision !== 'function' && decision.scopes.includes(scope))
  expect(quotedIn(fields).sort()).toEqual(needing)
})

test('docs/security.md names every field that needs something else than scopes of its own', () => {
  const other = fieldsWhere(
    decision =>
      typeof decision === 'function' ||
      decision.oneOf.length > 0 ||
      (decision.scopes.length === 0 && !decision.clients),
  )
  const named = rows.flatMap(([fields = '', , more]) => (more === undefined ? quotedIn(fields) : []))
  expect(named.filter(name => name.includes('.')).sort()).toEqual(other)
})

test('no field needs two scopes at once by itself, so that the table tells all', () => {
  expect(fieldsWhere(decision => typeof decision !== 'function' && decision.scopes.length > 1)).toEqual([])
})
