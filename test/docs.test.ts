import { expect, test } from 'vitest'
import { DomainError, ERROR_CODES, isRetryable } from '../src/domain/errors.ts'
import { registry } from '../src/providers/registry.ts'
import type { SandboxDefinition } from '../src/sandbox/sandbox.ts'
import { codeBlocks, quotedIn, readDoc, tableRows } from './harness/docs.ts'
import { type House, startHouse } from './harness/house.ts'

const errors = readDoc('docs/errors.md')
const sandbox = readDoc('docs/sandbox.md')

test('docs/errors.md explains every error code once, and no other', () => {
  expect(codesIn(errors).sort()).toEqual([...ERROR_CODES].sort())
})

test('docs/errors.md says of a code that it can be tried again where the server says so', () => {
  const [, retryable = ''] = /^## Wait and try again$(.*?)^## /ms.exec(errors) ?? []
  expect(codesIn(retryable).sort()).toEqual(ERROR_CODES.filter(code => isRetryable(new DomainError(code, ''))).sort())
})

test.each(Object.values(registry))(
  'docs/sandbox.md has everything that the sandbox of $provider invents',
  async module => {
    const definition = (await module.sandbox()).sandbox as SandboxDefinition
    const listed = sandbox.split('\n')
    for (const invention of definition.inventions) expect(listed).toContain(`- ${invention}`)
  },
)

test.each(Object.values(registry))('docs/sandbox.md says how to reach the sandbox of $provider', async module => {
  const definition = (await module.sandbox()).sandbox as SandboxDefinition
  const row = tableRows(sandbox).find(([name = '', url = '']) => isNamed(module.provider, name) && /http/.test(url))
  const port = 4101 + Object.keys(registry).indexOf(module.provider)
  expect(quotedIn(row?.join(' ') ?? '')).toEqual([
    `http://localhost:${port}${definition.basePath}`,
    ...Object.values(definition.credentials),
  ])
})

test('docs/sandbox.md has the steps that each sandbox says it can take', async () => {
  const house = await startHouse()
  for (const { provider, origin } of house.sandboxes) {
    const rows = tableRows(sandbox).filter(([name = '', of = '']) => isNamed(provider, name) && /^an? /.test(of))
    const documented = rows.flatMap(([, , steps = '']) => quotedIn(steps))
    expect(documented.sort(), provider).toEqual((await stepsOf(provider, origin)).sort())
  }
  await house.close()
})

test('every curl of docs/sandbox.md is answered by a sandbox', async () => {
  const house = await startHouse()
  const id = await createdId(house)
  const lines = codeBlocks(sandbox, 'sh')
    .flatMap(block => block.split('\n'))
    .filter(line => line.startsWith('curl'))
  expect(lines).toHaveLength(7)
  for (const line of lines.toSorted((one, other) => Number(one.includes('clock')) - Number(other.includes('clock')))) {
    const [, method = 'GET'] = /-X (\w+)/.exec(line) ?? []
    const path = /localhost:4101(\S+)/.exec(line)?.[1]
    const body = /-d '(.*)'/.exec(line)?.[1]?.replace('vs_…', id)
    const answer = await fetch(`${house.sandbox('KAYLE').origin}${path}`, { method, body })
    expect(answer.status, line).toBe(200)
  }
  await house.close()
})

function codesIn(page: string): string[] {
  return tableRows(page).flatMap(([code = '']) => /^`([A-Z_]+)`$/.exec(code)?.[1] ?? [])
}

function isNamed(provider: string, name: string): boolean {
  return name.toUpperCase() === provider
}

/** Asked for a step that no provider has, a sandbox names those it has. */
async function stepsOf(provider: string, origin: string): Promise<string[]> {
  const id = provider === 'PERSONR' ? '4242424242424x424242424242424242' : 'nobody'
  const body = JSON.stringify({ id, to: 'nowhere' })
  const answer = await fetch(`${origin}/_sandbox/advance`, { method: 'POST', body })
  const { error } = (await answer.json()) as { error: string }
  const lists = [...error.matchAll(/(?:to:|steps are|step of|one of|takes) ([a-z_, ]+)/g)].map(([, list = '']) => list)
  return lists.flatMap(list => list.split(/, | and | or /)).flatMap(words => words.split(' ').at(-1) ?? [])
}

async function createdId(house: House): Promise<string> {
  const { data } = await house.ask(`mutation {
    createSession(input: { idempotencyKey: "key-1", session: { kayle: {} } }) {
      ... on CreateSessionPayload { session { providerId } }
    }
  }`)
  return data.createSession.session.providerId
}
