import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { takeDatabase } from '../harness/app/database.ts'
import { addressOf, dropDatabases, onServer } from '../harness/app/postgres.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { cliOf } from '../harness/cli.ts'
import { codeBlocks, quotedIn, readDoc } from '../harness/docs/docs.ts'

/** Runs the commands of the documents for operators of PostgreSQL. */

const sh = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-dump-'))
const restored = `sg_test_${Date.now().toString(36)}_r${process.pid}`
const operating = readDoc('docs/guides/backup-and-upgrade.md')
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
let app: TestApp
beforeAll(async () => {
  url = (await takeDatabase()).url
  app = await startApp({ DATABASE_URL: url, ENCRYPTION_KEY }, { jobs: false })
})
afterAll(async () => {
  await app.close()
  await dropDatabases(restored)
  rmSync(folder, { recursive: true, force: true })
})

test('a backup of a running server can be restored and served', async context => {
  context.skip(!withTools, 'pg_dump is not installed')
  const { session } = (await app.execute(CREATE)).data.createSession
  await type(one(codeBlocks(operating, 'sh'), /^pg_dump /), ["'postgres://user@host/database'", `'${url}'`])
  await onServer(client => client.query(`create database "${restored}" template template0`))
  await type(one(quotedIn(operating), /^pg_restore /), ['--dbname=…', `--dbname='${addressOf(restored)}'`])

  const env = { DATABASE_URL: addressOf(restored), ENCRYPTION_KEY }
  const [status] = await cliOf(env).rows('db', 'status')
  expect(status).toMatchObject({ engine: 'postgres', rows: { sessions: 1, operations: 1 }, pending: [] })
  const copy = await startApp(env, { jobs: false })
  expect((await copy.execute(READ)).data.sessions.nodes).toEqual([session])
  await copy.close()
})

test('the statement of docs/guides/personal-data.md removes deleted values from the disk', async () => {
  const statement = one(quotedIn(readDoc('docs/guides/personal-data.md')), /^VACUUM /)
  await onServer(client => client.query(statement), new URL(url).pathname.slice(1))
})

function one(texts: readonly string[], like: RegExp): string {
  const [text, ...others] = texts.filter(each => like.test(each))
  if (text === undefined || others.length > 0) throw new Error(`Expected one command like ${like}.`)
  return text
}

/** Runs a command with the address of the test database. */
async function type(command: string, [shown, mine]: readonly [string, string]): Promise<void> {
  expect(command).toContain(shown)
  await sh('sh', ['-c', command.replace(shown, mine)], { cwd: folder, timeout: 15_000 })
}
