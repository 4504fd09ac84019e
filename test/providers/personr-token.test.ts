import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sandbox } from '../../src/providers/personr/sandbox.ts'
import { type RunningSandbox, startSandbox } from '../../src/sandbox/server.ts'
import { controlSandbox, startApp, type TestApp } from '../harness/app/test-app.ts'

let folder: string
let personr: RunningSandbox
let apps: TestApp[]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sessiongraph-'))
  personr = await startSandbox(sandbox, { port: 0 })
  const env = {
    DATABASE_URL: `sqlite:${folder}/db.sqlite`,
    PERSONR_BASE_URL: personr.baseUrl,
    PERSONR_EMAIL: sandbox.credentials.email,
    PERSONR_PASSWORD: sandbox.credentials.password,
  }
  apps = [await startApp(env), await startApp(env)]
})

afterAll(async () => {
  await Promise.all(apps.map(app => app.close()))
  await personr.close()
  rmSync(folder, { recursive: true, force: true })
})

const CREATE = `mutation ($key: String!) {
  createApplicant(input: { idempotencyKey: $key, applicant: {
    personr: { email: "ada@example.com", phone: "+44 1", flowName: "KYC basic" }
  } }) { __typename }
}`

async function createFromAll(round: string): Promise<string[]> {
  const keys = [0, 1, 2, 3].map(index => `${round}-${index}`)
  const requests = keys.flatMap(key => apps.map((app, index) => app.execute(CREATE, { key: `${key}-${index}` })))
  return (await Promise.all(requests)).map(answer => answer.data.createApplicant.__typename)
}

async function logins(): Promise<number> {
  const requests = await controlSandbox(personr.origin).requests()
  return requests.filter(request => request.path.endsWith('/api-token-generate')).length
}

describe('the token of a Personr account', () => {
  test('is shared by two processes, so that they do not invalidate each other’s token', async () => {
    const made = await createFromAll('first')
    expect(new Set(made)).toEqual(new Set(['CreateApplicantPayload']))
    expect(await logins()).toBe(1)
  })

  test('is renewed once if another login invalidated it', async () => {
    const form = new URLSearchParams({ ...sandbox.credentials })
    await fetch(`${personr.baseUrl}/api-token-generate`, { method: 'POST', body: form })

    const made = await createFromAll('second')
    expect(new Set(made)).toEqual(new Set(['CreateApplicantPayload']))
    expect(await logins()).toBe(3)
  })

  test('is encrypted in the database', async () => {
    const objects = await controlSandbox(personr.origin).objects()
    const tokens = JSON.stringify(objects).match(/bus\|[0-9x|]+/g) ?? []
    expect(tokens.length).toBeGreaterThan(0)
    const files = ['db.sqlite', 'db.sqlite-wal'].map(file => readFileSync(join(folder, file), 'latin1'))
    for (const token of tokens) expect(files.some(file => file.includes(token))).toBe(false)
  })
})
