import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AppWithFaultyProvider, startAppWithFaultyProvider } from '../harness/app/app-with-faulty-provider.ts'
import { API_KEY, startApp } from '../harness/app/test-app.ts'
import { cliOf } from '../harness/cli.ts'

/** A SQLite file that is moved, replaced or removed under the server: nothing is acknowledged that would be lost with it. */

const root = mkdtempSync(join(tmpdir(), 'sessiongraph-file-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const GONE = 'the database file was moved'

let folders = 0
let keys = 0
let folder: string
let file: string
let app: AppWithFaultyProvider
let lines: string[]

async function open(path: string): Promise<void> {
  lines = []
  const env = { DATABASE_URL: `sqlite:${path}`, LOG_LEVEL: 'info', JOB_INTERVAL_MS: '20' }
  const logTo = { write: (line: string) => void lines.push(line) }
  app = await startAppWithFaultyProvider(env, { logTo, jobs: true })
}

beforeEach(() => {
  folder = join(root, String(folders++))
  mkdirSync(folder)
  file = join(folder, 'live.db')
})
afterEach(async () => app.close())

function remove(...parts: readonly string[]): void {
  for (const part of parts) unlinkSync(file + part)
}

function replaceBy(make: (path: string) => void): void {
  make(`${file}.new`)
  renameSync(`${file}.new`, file)
}

const CREATE = `mutation ($key: String!) {
  createSession(input: { idempotencyKey: $key, session: { kayle: {} } }) { ... on CreateSessionPayload { session { id } } }
}`

const create = () => app.execute(CREATE, { key: `file-${keys++}` })
const posts = () => app.at('KAYLE').received.filter(({ method }) => method === 'POST').length
const reported = () => lines.filter(line => line.includes(GONE)).length

async function readyz() {
  const response = await fetch(new URL('/readyz', app.url))
  return { status: response.status, body: await response.json() }
}

async function expectWorking(): Promise<void> {
  const { data, errors } = await create()
  expect(errors).toEqual([])
  expect(data.createSession.session.id).toEqual(expect.any(String))
  expect(await readyz()).toMatchObject({ status: 200, body: { ready: true, database: 'CURRENT' } })
}

async function expectRefusing(): Promise<void> {
  const before = posts()
  const { data, errors } = await create()
  expect(data).toEqual({ createSession: null })
  expect(errors[0]).toMatchObject({
    message: expect.stringContaining('moved, replaced or removed'),
    extensions: { code: 'OVERLOADED' },
  })
  expect(posts()).toBe(before)
  expect(await readyz()).toMatchObject({ status: 503, body: { ready: false, database: 'REPLACED' } })
}

describe('the file of a running server', () => {
  beforeEach(async () => {
    await open(file)
    await expectWorking()
  })

  test.each<[string, () => void]>([
    ['is removed', () => unlinkSync(file)],
    ['is removed with all that belongs to it', () => remove('', '-wal', '-shm')],
    ['is moved', () => renameSync(file, `${file}.old`)],
    ['is replaced by an empty one', () => replaceBy(path => writeFileSync(path, ''))],
    ['is replaced by a copy of itself', () => replaceBy(path => copyFileSync(file, path))],
    ['loses its write-ahead log', () => unlinkSync(`${file}-wal`)],
    ['loses the index of its write-ahead log', () => unlinkSync(`${file}-shm`)],
    ['has its folder moved', () => renameSync(folder, `${folder}.old`)],
  ])('%s: the server accepts no create, is not ready and reports it once', async (_what, disturb) => {
    disturb()

    await expectRefusing()
    await expectRefusing()
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(reported()).toBe(1)
    expect(lines.filter(line => line.includes('background job failed'))).toEqual([])
  })

  test('is moved and moved back: the server continues and reports both', async () => {
    for (let round = 1; round <= 2; round++) {
      renameSync(file, `${file}.old`)
      await expectRefusing()
      renameSync(`${file}.old`, file)
      await expectWorking()
      expect(reported()).toBe(round)
      expect(lines.filter(line => line.includes('the database file can be written again'))).toHaveLength(round)
    }
  })

  test('is removed: doctor reports it, with and without the running server', async () => {
    const { port, hostname } = new URL(app.url)
    const env = {
      DATABASE_URL: `sqlite:${file}`,
      DEV_API_KEY: API_KEY,
      ENCRYPTION_KEY: '00'.repeat(32),
      SANDBOX: 'off',
    }
    const problemsOf = async (more: Record<string, string>) => {
      const findings = await cliOf({ ...env, ...more }).rows('doctor')
      return findings.filter(({ state }) => state === 'PROBLEM').map(({ message }) => message)
    }
    unlinkSync(file)

    expect(await problemsOf({ PORT: port, HOST: hostname })).toEqual([expect.stringContaining('restart the server')])
    expect(await problemsOf({ PORT: '0' })).toEqual([expect.stringContaining('The database file is missing')])
  })

  test('is backed up and opened by other processes: the server continues', async () => {
    copyFileSync(file, `${file}.copy`)
    const other = await startApp({ DATABASE_URL: `sqlite:${file}` }, { jobs: false })
    await other.close()

    await expectWorking()
    expect(reported()).toBe(0)
  })

  test('is removed during creates: acknowledged creates were written before', async () => {
    let removed = false
    const creating = Array.from({ length: 30 }, async (_, index) => {
      if (index === 15) {
        await new Promise(resolve => setTimeout(resolve, 15))
        renameSync(file, `${file}.old`)
        removed = true
      }
      const wasRemoved = removed
      const { data } = await create()
      return { wasRemoved, id: data?.createSession?.session?.id }
    })

    const answers = await Promise.all(creating)

    expect(answers.filter(({ wasRemoved, id }) => wasRemoved && id)).toEqual([])
    await expectRefusing()
  })
})

test('a file behind a symbolic link is gone when the link changes', async () => {
  const link = join(folder, 'link.db')
  writeFileSync(join(folder, 'other.db'), '')
  writeFileSync(file, '')
  symlinkSync(file, link)
  await open(link)
  await expectWorking()

  unlinkSync(link)
  symlinkSync(join(folder, 'other.db'), link)
  await expectRefusing()
  unlinkSync(link)
  symlinkSync(file, link)
  await expectWorking()
})

test('a database in memory has no file to watch', async () => {
  await open(':memory:')
  await expectWorking()
})
