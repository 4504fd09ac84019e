import { randomUUID } from 'node:crypto'
import { astFromValue, type GraphQLInputType, type GraphQLSchema, getNamedType, isListType, print } from 'graphql'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { buildSchema } from '../../schema/index.ts'
import { PROVIDERS } from '../../src/domain/provider.ts'
import { registry } from '../../src/providers/registry.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import {
  anyOf,
  argumentWith,
  type InputPosition,
  inputPositions,
  withoutNonNull,
} from '../harness/documents/input-positions.ts'

/** Every input position of the API has a limit, which its description documents and the server enforces. */

const schema: GraphQLSchema = await buildSchema(registry, 'on')
const PLACES = inputPositions(schema)
const NAMES = PLACES.map(nameOf)

let app: TestApp
/** An id of each record type whose fields have arguments. */
const ids: Record<string, string> = {}

beforeAll(async () => {
  app = await startApp({ FEDERATION: 'on' }, { jobs: false })
  const applicant = { personr: { email: 'ann@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' } }
  ids.Session = await make('Session', { session: { yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } } })
  ids.Applicant = await make('Applicant', { externalId: 'usr_1', applicant })
  ids.Customer = await make('Customer', { customer: { yorlet: { email: 'ann@example.com' } } })
  ids.Person = 'usr_1'
})
beforeEach(() => Promise.all(PROVIDERS.map(provider => app.sandbox(provider).forget())))
afterAll(() => app.close())

async function make(recordType: string, input: object): Promise<string> {
  const field = recordType.toLowerCase()
  const { data } = await app.execute(
    `mutation M($input: Create${recordType}Input!) {
      create${recordType}(input: $input) { ... on Create${recordType}Payload { ${field} { id } } ... on MutationError { message } }
    }`,
    { input: { idempotencyKey: randomUUID(), ...input } },
  )
  return data[`create${recordType}`][field].id
}

function nameOf({ parent, field, path }: InputPosition): string {
  return `${parent}.${field.name}(${path.join('.')})`
}

/** The selection that reaches the object whose field has the argument. */
const WAYS: Readonly<Record<string, (inner: string) => string>> = {
  Query: inner => `query Q($value: TYPE) { ${inner} }`,
  Mutation: inner => `mutation Q($value: TYPE) { ${inner} }`,
  Subscription: inner => `subscription Q($value: TYPE) { ${inner} }`,
  Session: inner => `query Q($value: TYPE, $id: ID!) { session(by: { id: $id }) { ${inner} } }`,
  Applicant: inner => `query Q($value: TYPE, $id: ID!) { applicant(by: { id: $id }) { ${inner} } }`,
  Customer: inner => `query Q($value: TYPE, $id: ID!) { customer(by: { id: $id }) { ${inner} } }`,
  Person: inner => `query Q($value: TYPE, $id: String!) { person(externalId: $id) { ${inner} } }`,
}

/** The error codes of input that is refused without an effect. */
const REFUSALS = ['BAD_REQUEST', 'CURSOR_INVALID', 'INVALID_INPUT']

/** The result of the field for the value: its error codes, and the paths of issues in a result union. */
async function give(place: InputPosition, value: unknown): Promise<{ codes: unknown[]; paths: string[] }> {
  const { parent, field, argument } = place
  const others = field.args
    .filter(other => other !== argument && String(other.type).endsWith('!'))
    .map(other => `${other.name}: ${other.name === 'id' ? `"${ids.Session}"` : toLiteral(other.type)}`)
  const isResult = getNamedType(field.type).name.endsWith('Result')
  const selection = isResult
    ? '{ __typename ... on MutationError { code } ... on InvalidInputError { issues { path message } } }'
    : '{ __typename }'
  const inner = `answer: ${field.name}(${[`${argument.name}: $value`, ...others].join(', ')}) ${selection}`
  const query = (WAYS[parent] ?? WAYS.Query ?? String)(inner).replace('TYPE', String(argument.type))
  const { data, errors } = await app.execute(query, { value: argumentWith(place, value), id: ids[parent] })
  const issues = data?.answer?.issues ?? errors.flatMap(({ extensions }) => extensions.issues ?? [])
  return {
    codes: [...errors.map(({ extensions }) => extensions.code), ...(data?.answer?.code ? [data.answer.code] : [])],
    paths: issues.map((issue: { path: string[] }) => issue.path.join('.')),
  }
}

/** A valid literal of the type. */
function toLiteral(type: GraphQLInputType): string {
  const literal = astFromValue(anyOf(type), type)
  if (!literal) throw new Error(`${type} has no literal.`)
  return print(literal)
}

/** The limits in the description of a value of this type. */
function reportedBound({ type, description }: InputPosition): { least?: number; most: number } | undefined {
  const inner = withoutNonNull(type)
  if (isListType(inner)) return toBound(/at most (\d+)/.exec(description))
  switch (inner.toString()) {
    case 'Int':
      return toBound(/(\d+) to (\d+)/.exec(description))
    case 'DateTime':
      return toBound(/(\d+) to (\d+)/.exec(schema.getType('DateTime')?.description ?? ''))
    case 'JSON':
      return toBound(/at most (\d+)/i.exec(description))
    default:
      return toBound(/(\d+) (?:to (\d+) )?(?:characters|letters|bytes)/.exec(description) ?? /characters/.exec(''))
  }
}

function toBound(match: RegExpExecArray | null): { least?: number; most: number } | undefined {
  if (!match) return undefined
  const [, first, second] = match
  return second === undefined ? { most: Number(first) } : { least: Number(first), most: Number(second) }
}

/** Values just outside of the limits, and far outside. */
function outside(place: InputPosition): unknown[] {
  const { least, most } = reportedBound(place) ?? { most: 0 }
  const inner = withoutNonNull(place.type)
  if (isListType(inner)) return [Array.from({ length: most + 1 }, () => anyOf(inner.ofType))]
  switch (inner.toString()) {
    case 'Int':
      return [(least ?? 0) - 1, most + 1, 2 ** 31, 1e15, 0.5]
    case 'DateTime':
      return ['1899-12-31T23:59:59Z', '9'.repeat(300), '2026-13-01T00:00:00Z', '10000-01-01T00:00:00Z']
    case 'JSON':
      return [
        Object.fromEntries(Array.from({ length: most + 1 }, (_, key) => [`key${key}`, 1])),
        { a: 'x'.repeat(9000) },
      ]
    case '_Any':
      return [{ __typename: 'Session', id: 'x'.repeat(2000) }]
    default:
      return ['x'.repeat(most + 1), 'x'.repeat(100_000)]
  }
}

/** The number of all rows, except those that a read writes. */
async function countRows(): Promise<number> {
  const tables = ['operations', 'sessions', 'applicants', 'customers', 'events'] as const
  const counts = await Promise.all(
    tables.map(table =>
      app.db.sql.selectFrom(table).select(sql<number | string>`count(*)`.as('count')).executeTakeFirstOrThrow(),
    ),
  )
  return counts.reduce((total, { count }) => total + Number(count), 0)
}

test('every input position of the schema is tested, on every object that is reached', () => {
  expect(PLACES.length).toBeGreaterThan(100)
  expect([...new Set(PLACES.map(({ parent }) => parent))].filter(parent => !WAYS[parent])).toEqual([])
})

describe('every input value', () => {
  test.each(NAMES)('%s has a documented bound', name => {
    const place = PLACES[NAMES.indexOf(name)] as InputPosition
    expect(reportedBound(place), place.description).toBeDefined()
  })

  test.each(NAMES)('%s refuses a value beyond it, without an effect', async name => {
    const place = PLACES[NAMES.indexOf(name)] as InputPosition
    const before = await countRows()
    for (const value of outside(place)) {
      const { codes, paths } = await give(place, value)
      expect(codes.length, JSON.stringify(value).slice(0, 100)).toBe(1)
      expect(REFUSALS).toContain(codes[0])
      if (codes[0] === 'INVALID_INPUT')
        expect(
          paths.some(path => isAt(path, place)),
          paths.join(' '),
        ).toBe(true)
    }
    expect((await Promise.all(PROVIDERS.map(provider => app.sandbox(provider).requests()))).flat()).toEqual([])
    expect(await countRows()).toBe(before)
  })
})

/** An issue has the path of the position, or of a value inside it. */
function isAt(path: string, { path: wanted }: InputPosition): boolean {
  return `${path}.`.startsWith(`${wanted.join('.')}.`)
}
