import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { buildSchema, isScalarType, isSpecifiedScalarType } from 'graphql'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/app/package.ts'
import type { Capability } from '../../src/domain/provider.ts'
import { startApp } from '../harness/app/test-app.ts'
import { codeBlocks, docPaths, quotedIn, readDoc, tableRows } from '../harness/docs/docs.ts'

const readme = readDoc('README.md')

test('the README has fewer than 200 lines', () => {
  expect(readme.split('\n').length).toBeLessThan(200)
})

test('the requests of the README succeed, and the response that it shows has the shape of the real one', async () => {
  const [, body = ''] = / -d '(.+?)'$/ms.exec(readme) ?? []
  const [, query = ''] = / --data-urlencode 'query=(.+?)'$/ms.exec(readme) ?? []
  const create = JSON.parse(body) as { query: string; variables: Record<string, unknown> }
  const [shown = ''] = codeBlocks(readme, 'json')
  const app = await startApp()
  const created = await app.execute(create.query, create.variables)
  const read = await app.execute(query)
  await app.close()
  expect([...created.errors, ...read.errors]).toEqual([])
  expect(shapeOf({ data: created.data })).toEqual(shapeOf(JSON.parse(shown)))
  expect(read.data.person.sessions.nodes).toMatchObject([{ provider: 'KAYLE', status: 'CREATED' }])
})

test('each picture of the documentation is small', () => {
  const folder = join(packageRoot(), 'docs/images')
  const pictures = readdirSync(folder)
  expect(pictures).toHaveLength(4)
  for (const picture of pictures) expect(statSync(join(folder, picture)).size, picture).toBeLessThan(100_000)
})

test.each(['README.md', 'docs/reference/schema.md'])('the code generation of %s maps every scalar', page => {
  const [, mapped = ''] = /scalars: \{(.*?)\}/.exec(codeBlocks(readDoc(page), 'ts').join()) ?? []
  const names = [...mapped.matchAll(/(\w+):/g)].map(([, name]) => name)
  const scalars = Object.values(buildSchema(readDoc('schema/schema.graphql')).getTypeMap()).filter(isScalarType)
  const custom = scalars.filter(type => !isSpecifiedScalarType(type)).map(({ name }) => name)
  expect(names.sort()).toEqual(custom.sort())
})

test('the figures of the README are those of the benchmark report', () => {
  const report = tableRows(readDoc('bench/results/report.md'))
  const perSecond = (cell: string, connections: string) =>
    report.find(row => row[0] === cell && row[1] === connections && row[2] === '0' && row[3] === 'ours')?.[4]
  const belowColdStart = report.slice(report.findIndex(([first]) => first?.startsWith('until it listens, ms')) + 1)
  const coldStart = belowColdStart.find(([first = '']) => /^\d+$/.test(first))?.[0]
  const rows = tableRows(readme).filter(row => row.length === 3 && /^\d+$/.test(row[1] ?? ''))
  const figures = rows.map(([, figure, source]) => [figure, source])
  expect(figures).toEqual([
    [perSecond('stored', '64'), '`stored`, 64 connections'],
    [perSecond('create', '64'), '`create`, 64 connections'],
    [coldStart, 'cold start'],
  ])
})

test('the query of docs/reference/providers.md is answered', async () => {
  const queries = quotedIn(readDoc('docs/reference/providers.md')).filter(quoted => /^\w+ \{.*\}$/.test(quoted))
  expect(queries).toHaveLength(1)
  const app = await startApp()
  for (const query of queries) expect(await app.execute(`{ ${query} }`)).toMatchObject({ status: 200, errors: [] })
  await app.close()
})

test.each(docPaths())(
  'every npm command in %s is ci, link, a script of this package or the install of tested clients',
  path => {
    const { scripts, dependencies, devDependencies } = JSON.parse(readDoc('package.json')) as Record<string, object>
    const installed = Object.keys({ ...dependencies, ...devDependencies })
    const page = readDoc(path)
    const quoted = [...codeBlocks(page, 'sh').flatMap(block => block.split('\n')), ...quotedIn(page)]
    const commands = quoted
      .flatMap(line => line.split('&&').map(part => part.trim()))
      .filter(line => /^npm /.test(line))
    for (const command of commands.filter(each => each !== 'npm ci' && each !== 'npm link')) {
      const [, name = '', rest = ''] = /^npm (?:run )?(?:--silent )?([\w-]+) ?(.*)/.exec(command) ?? []
      if (name === 'install') expect(installed, command).toEqual(expect.arrayContaining(rest.split(' ')))
      else expect(Object.keys(scripts ?? {}), command).toContain(name)
    }
  },
)

/** The cells of the capabilities that each account has by default. */
const TABLES: readonly [page: string, isSupported: RegExp][] = [
  ['README.md', /^✓$/],
  ['docs/reference/providers.md', /^(source|documented)/],
]

test.each(TABLES)('%s lists the capabilities that each provider has by default', async (page, isSupported) => {
  const app = await startApp()
  const rows = tableRows(readDoc(page))
  const shown = (rows.find(([first]) => first === 'capability') ?? []).slice(1)
  const { data } = await app.execute('{ providers { provider name } }')
  const named = data.providers.map(({ name }: { name: string }) => name)
  expect(named.toSorted()).toEqual(shown.toSorted())
  const names = shown.map(name => name.toUpperCase())
  for (const [index, name] of names.entries()) {
    const promised = rows.flatMap(([label = '', ...cells]) =>
      isSupported.test(cells[index] ?? '') ? (CAPABILITIES[label] ?? []) : [],
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
