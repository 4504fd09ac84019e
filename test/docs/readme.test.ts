import { expect, test } from 'vitest'
import { loadDocuments } from '../../src/app/documents.ts'
import type { Capability } from '../../src/domain/provider.ts'
import { startApp } from '../harness/app/test-app.ts'
import { codeBlocks, docPaths, quotedIn, readDoc, tableRows } from '../harness/docs/docs.ts'

const readme = readDoc('README.md')

test('the operation of the README returns a result of the shape that it shows', async () => {
  const [operation = ''] = codeBlocks(readme, 'graphql')
  const [shown = ''] = codeBlocks(readme, 'json')
  const app = await startApp()
  const { data, errors } = await app.execute(operation)
  expect(errors).toEqual([])
  expect(shapeOf({ data })).toEqual(shapeOf(JSON.parse(shown)))
  expect(data.createSession.session).toMatchObject({ provider: 'KAYLE', status: 'CREATED', outcome: 'PENDING' })
  await app.close()
})

test('the first example is the operation of the README', () => {
  const [operation = ''] = codeBlocks(readme, 'graphql')
  const example = loadDocuments()[0]?.query ?? ''
  for (const line of operation.split('\n')) expect(example).toContain(line.trim())
})

test('the query of docs/reference/providers.md is answered', async () => {
  const queries = quotedIn(readDoc('docs/reference/providers.md')).filter(quoted => /^\w+ \{.*\}$/.test(quoted))
  expect(queries).toHaveLength(1)
  const app = await startApp()
  for (const query of queries) expect(await app.execute(`{ ${query} }`)).toMatchObject({ status: 200, errors: [] })
  await app.close()
})

test.each(docPaths())('every command in %s is npm ci or an npm script of ours', path => {
  const { scripts } = JSON.parse(readDoc('package.json')) as { scripts: Record<string, string> }
  const page = readDoc(path)
  const quoted = [...codeBlocks(page, 'sh').flatMap(block => block.split('\n')), ...quotedIn(page)]
  const commands = quoted.flatMap(line => line.split('&&').map(part => part.trim())).filter(line => /^npm /.test(line))
  for (const command of commands.filter(each => each !== 'npm ci')) {
    const [, name = ''] = /^npm (?:run )?(?:--silent )?([\w-]+)/.exec(command) ?? []
    expect(Object.keys(scripts), command).toContain(name)
  }
})

test('the README lists the capabilities that each provider has by default', async () => {
  const app = await startApp()
  const rows = tableRows(readme)
  const shown = (rows.find(([first]) => first === 'capability') ?? []).slice(1)
  const { data } = await app.execute('{ providers { provider name } }')
  const named = data.providers.map(({ name }: { name: string }) => name)
  expect(named.toSorted()).toEqual(shown.toSorted())
  const names = shown.map(name => name.toUpperCase())
  for (const [index, name] of names.entries()) {
    const promised = rows.flatMap(([label = '', ...cells]) =>
      /^(source|documented)/.test(cells[index] ?? '') ? (CAPABILITIES[label] ?? []) : [],
    )
    const capabilities = app.providers.find(({ provider }) => provider === name)?.capabilities ?? []
    const reported = capabilities.filter(capability => Object.values(CAPABILITIES).flat().includes(capability))
    expect(promised.sort(), name).toEqual([...reported].sort())
  }
  await app.close()
})

const CAPABILITIES: Readonly<Record<string, readonly Capability[]>> = {
  'create a session': ['CREATE_SESSION'],
  'read a session': ['GET_SESSION'],
  'list sessions at the provider': ['LIST_SESSIONS'],
  'cancel a session': ['CANCEL_SESSION'],
  attempts: ['ATTEMPTS'],
  'create an applicant': ['CREATE_APPLICANT'],
  'read an applicant': ['GET_APPLICANT'],
  'create a customer': ['CREATE_CUSTOMER'],
  'read and list customers': ['GET_CUSTOMER', 'LIST_CUSTOMERS'],
  'idempotency key': ['IDEMPOTENT_CREATE'],
}

/** The same value with its type instead of every leaf. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]))
}
