import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cliOf } from './harness/cli.ts'
import { takeDatabase } from './harness/database.ts'
import { codeBlocks, quotedIn, readDoc } from './harness/docs.ts'
import { type House, startHouse } from './harness/house.ts'
import { addressOf, dropDatabases, onServer } from './harness/postgres.ts'

/** What the pages tell an operator of PostgreSQL to type, typed. */

const sh = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-dump-'))
const restored = `sg_test_${Date.now().toString(36)}_r${process.pid}`
const operating = readDoc('docs/operating.md')
const withTools = await sh('pg_dump', ['--version']).then(
  () => true,
  () => false,
)
const ENCRYPTION_KEY = '00'.repeat(32)
const CREATE = `mutation {
  createSession(input: { idempotencyKey: "key-1", session: { kayle: {} } }) {
    ... on CreateSessionPayload { session { id access { hostedUrl } } }
  }
}`
const READ = '{ sessions { nodes { id access { hostedUrl } } } }'

let url: string
let house: House
beforeAll(async () => {
  url = (await takeDatabase()).url
  house = await startHouse({ DATABASE_URL: url, ENCRYPTION_KEY }, { jobs: false })
})
afterAll(async () => {
  await house.close()
  await dropDatabases(restored)
  rmSync(folder, { recursive: true, force: true })
})

test('a backup while the server runs is restored, and served as it was', async context => {
  context.skip(!withTools, 'pg_dump is not installed')
  const { session } = (await house.ask(CREATE)).data.createSession
  await type(one(codeBlocks(operating, 'sh'), /^pg_dump /), ["'postgres://user@host/database'", `'${url}'`])
  await onServer(client => client.query(`create database "${restored}" template template0`))
  await type(one(quotedIn(operating), /^pg_restore /), ['--dbname=…', `--dbname='${addressOf(restored)}'`])

  const env = { DATABASE_URL: addressOf(restored), ENCRYPTION_KEY }
  const [status] = await cliOf(env).rows('db', 'status')
  expect(status).toMatchObject({ engine: 'postgres', rows: { sessions: 1, operations: 1 }, pending: [] })
  const copy = await startHouse(env, { jobs: false })
  expect((await copy.ask(READ)).data.sessions.nodes).toEqual([session])
  await copy.close()
})

test('what was deleted is wiped from the disk by the statement of docs/personal-data.md', async () => {
  const statement = one(quotedIn(readDoc('docs/personal-data.md')), /^VACUUM /)
  await onServer(client => client.query(statement), new URL(url).pathname.slice(1))
})

function one(texts: readonly string[], like: RegExp): string {
  const [text, ...others] = texts.filter(each => like.test(each))
  if (text === undefined || others.length > 0) throw new Error(`Expected one command like ${like}.`)
  return text
}

/** Types a command with an address in the place of the page's. */
async function type(command: string, [shown, mine]: readonly [string, string]): Promise<void> {
  expect(command).toContain(shown)
  await sh('sh', ['-c', command.replace(shown, mine)], { cwd: folder, timeout: 15_000 })
}
