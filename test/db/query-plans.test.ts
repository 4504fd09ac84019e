import type { Database } from 'better-sqlite3'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { SqliteDatabase } from '../../db/sqlite/better-sqlite3.ts'
import { buildSchema } from '../../schema/index.ts'
import { registry } from '../../src/providers/registry.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { createRawClient } from '../harness/clients/raw-client.ts'
import { seedRichData } from '../harness/load/rich-data.ts'
import { smallRequests } from '../harness/load/small-requests.ts'
import { worstRequests } from '../harness/load/worst-requests.ts'

/** How long a statement takes depends on the rows that it returns, not on those of its tenant. */

/** SQLite's plans of all statements, by their texts. */
const plans = new Map<string, string>()
let app: TestApp
beforeAll(async () => {
  const { prepare } = SqliteDatabase.prototype
  vi.spyOn(SqliteDatabase.prototype, 'prepare').mockImplementation(function (this: Database, text: string) {
    const statement = prepare.call(this, text)
    if (/^\s*(select|update|delete|with)\b/i.test(text)) plans.set(text.replaceAll('"', ''), planOf(this, text))
    return statement
  })
  function planOf(database: Database, text: string): string {
    const values = Array.from(text.matchAll(/\?/g), () => 1)
    const steps = prepare.call(database, `explain query plan ${text}`).all(values) as { readonly detail: string }[]
    return steps.map(({ detail }) => detail).join('; ')
  }
  app = await startApp({}, { jobs: false })
})
afterAll(async () => {
  vi.restoreAllMocks()
  await app.close()
})

const TABLES_THAT_GROW = /\b(applicants|attempts|customers|deliveries|events|operations|sessions)\b/
const ALL_ROWS_OF_A_TENANT =
  /SEARCH (\w+) USING[^;]*\((tenant_id|account_id|provider)=\?\)|SCAN (?!\(|CONSTANT|\d|counted|ranked|seen)/
/** They end after a page: their index has the order of the page. */
const PAGE = /order by \S+( desc)?(, \S+( desc)?)? limit/

test('no statement of an operation searches all rows of a tenant', async () => {
  const schema = await buildSchema(registry, 'on')
  const data = await seedRichData(app, app.sandbox('KAYLE').origin, { sessions: 30, events: 100, attempts: 2 })
  const client = createRawClient(app.url)
  for (const { request } of worstRequests(schema, data)) await client.execute(request)
  for (const { next } of smallRequests(data)) await client.execute(next())
  client.close()
  const searches = [...plans].filter(([, plan]) => TABLES_THAT_GROW.test(plan) && ALL_ROWS_OF_A_TENANT.test(plan))
  const faults = searches.filter(([text, plan]) => !PAGE.test(text) || plan.includes('TEMP B-TREE'))
  expect(plans.size).toBeGreaterThan(50)
  expect(faults.map(([text, plan]) => `${text}\n  ${plan}`)).toEqual([])
}, 120_000)
