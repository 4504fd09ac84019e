import { parse } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/domain/error-codes.ts'
import { DomainError } from '../../src/domain/errors.ts'
import { registry } from '../../src/providers/registry.ts'
import type { SandboxDefinition } from '../../src/sandbox/sandbox.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { cliOf } from '../harness/cli.ts'
import { follow } from '../harness/clients/subscriber.ts'
import { codeBlocks, docPaths, quotedIn, readDoc, tableRows } from '../harness/docs/docs.ts'

const errors = readDoc('docs/reference/errors.md')
const sandbox = readDoc('docs/reference/sandbox.md')

test('docs/reference/errors.md explains every error code once, and no unknown code', () => {
  expect(codesIn(errors).sort()).toEqual([...ERROR_CODES].sort())
})

test('docs/reference/errors.md marks a code as retryable if and only if the server does', () => {
  const [, retryable = ''] = /^## Wait and try again$(.*?)^## /ms.exec(errors) ?? []
  expect(codesIn(retryable).sort()).toEqual(ERROR_CODES.filter(code => new DomainError(code, '').retryable).sort())
})

test.each(Object.values(registry))(
  'docs/reference/sandbox-behaviour.md lists all undocumented behaviour of the sandbox of $provider',
  async module => {
    const definition = (await module.sandbox()).sandbox as SandboxDefinition
    const listed = readDoc('docs/reference/sandbox-behaviour.md').split('\n')
    for (const invention of definition.undocumentedBehaviour) expect(listed).toContain(`- ${invention}`)
  },
)

test.each(Object.values(registry))(
  'docs/reference/sandbox.md has the URL of the sandbox of $provider',
  async module => {
    const definition = (await module.sandbox()).sandbox as SandboxDefinition
    const row = tableRows(sandbox).find(([name = '', url = '']) => isNamed(module.provider, name) && /http/.test(url))
    const port = 4101 + Object.keys(registry).indexOf(module.provider)
    expect(quotedIn(row?.join(' ') ?? '')).toEqual([
      `http://localhost:${port}${definition.basePath}`,
      ...Object.values(definition.credentials),
    ])
  },
)

test('docs/reference/sandbox.md has the steps of each sandbox', async () => {
  const app = await startApp()
  for (const { provider, origin } of app.sandboxes) {
    const rows = tableRows(sandbox).filter(([name = '', of = '']) => isNamed(provider, name) && /^an? /.test(of))
    const documented = rows.flatMap(([, , steps = '']) => quotedIn(steps))
    expect(documented.sort(), provider).toEqual((await stepsOf(provider, origin)).sort())
  }
  await app.close()
})

// The recipes of docs/guides/front-end.md share fragments between blocks; their own test executes each of them.
const withOperations = docPaths().filter(path => path !== 'docs/guides/front-end.md')

describe('the operations', () => {
  const externalId = 'user-1'
  const CREATE = `mutation ($input: CreateSessionInput!) {
    createSession(input: $input) { ... on CreateSessionPayload { session { id } } }
  }`
  let app: TestApp
  let variables: Record<string, string>
  beforeAll(async () => {
    app = await startApp()
    const input = { idempotencyKey: 'signup-1', externalId, session: { kayle: {} } }
    const { data } = await app.execute(CREATE, { input })
    variables = { externalId, id: data.createSession.session.id }
  })
  afterAll(() => app.close())

  test.each(withOperations)('of %s are executed without an error', async path => {
    for (const query of codeBlocks(readDoc(path), 'graphql')) {
      const [definition] = parse(query).definitions
      if (definition?.kind !== 'OperationDefinition') continue
      if (definition.operation === 'subscription') {
        const stream = await follow(app.url, { query, variables })
        expect(stream.contentType, query).toContain('text/event-stream')
        await stream.unsubscribe()
      } else expect(await app.execute(query, variables), query).toMatchObject({ status: 200, errors: [] })
    }
  })
})

/** Words that treat software as a person, or that only this project uses. */
const PRIVATE_WORDS = /\b(asked|told|kept|said|whoever|the house|the door|mended|sealed)\b/gi

test.each(docPaths())('%s uses terms that readers search for', path => {
  const prose = readDoc(path)
    .replace(/^( *)```.*?^\1```$/gms, '')
    .replace(/`[^`\n]*`/g, '')
  expect(prose.match(PRIVATE_WORDS) ?? []).toEqual([])
})

test.each(docPaths().filter(path => path.startsWith('docs/')))('%s begins with what the reader gets from it', path => {
  const [title = '', blank, first = ''] = readDoc(path).split('\n')
  expect(title).toMatch(/^# \S/)
  expect(blank).toBe('')
  expect(first).toMatch(/^[\w`“*]/)
})

test('the first commands of docs/reference/cli.md run on an empty database', async () => {
  const env = { DATABASE_URL: 'sqlite:.data/never-made.db', ENCRYPTION_KEY: '0f'.repeat(32), SANDBOX: 'off' }
  expect(await cliOf(env).run(['doctor'])).toMatchObject({ code: 0 })
})

function codesIn(page: string): string[] {
  return tableRows(page).flatMap(([code = '']) => /^`([A-Z_]+)`$/.exec(code)?.[1] ?? [])
}

function isNamed(provider: string, name: string): boolean {
  return name.toUpperCase() === provider
}

/** For an unknown step, a sandbox responds with the list of its steps. */
async function stepsOf(provider: string, origin: string): Promise<string[]> {
  const id = provider === 'PERSONR' ? '4242424242424x424242424242424242' : 'nobody'
  const body = JSON.stringify({ id, to: 'nowhere' })
  const answer = await fetch(`${origin}/_sandbox/advance`, { method: 'POST', body })
  const { error } = (await answer.json()) as { error: string }
  const lists = [...error.matchAll(/(?:to:|steps are|step of|one of|takes) ([a-z_, ]+)/g)].map(([, list = '']) => list)
  return lists.flatMap(list => list.split(/, | and | or /)).flatMap(words => words.split(' ').at(-1) ?? [])
}
