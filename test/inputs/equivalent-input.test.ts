import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { type GraphQLInputObjectType, type GraphQLSchema, isInputObjectType } from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildSchema } from '../../schema/index.ts'
import { registry } from '../../src/providers/registry.ts'
import { onPostgres } from '../harness/app/database.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { SESSION_INPUTS } from '../harness/documents/session-inputs.ts'

/**
 * An idempotency key can be repeated with equivalent input, however it is written, and conflicts with different input.
 * `RUNS` runs longer, `SEED` sets other inputs.
 */

const RUNS = Number(process.env.RUNS ?? (onPostgres() ? 15 : 40))
const SEED = Number(process.env.SEED ?? 20_261_129)

let app: TestApp
let schema: GraphQLSchema

beforeAll(async () => {
  app = await startApp({}, { jobs: false })
  schema = await buildSchema(registry)
})
afterAll(() => app.close())

type RecordType = 'Session' | 'Applicant' | 'Customer'
type Input = Readonly<Record<string, unknown>>

const shared = {
  externalId: fc.option(fc.constantFrom('usr_1', 'usr_2'), { nil: undefined }),
}
/** JSON values that survive a round trip. */
const json = fc
  .jsonValue({ maxDepth: 2, stringUnit: fc.constantFrom('a', 'b', 'ä', '1') })
  .filter(value => !JSON.stringify(value).includes('-0') && !JSON.stringify(value).includes('""'))
const metadata = fc.option(
  fc.dictionary(fc.constantFrom('a', 'b', 'constructor', '1', '10', 'z'), json, { maxKeys: 4 }),
  { nil: undefined },
)
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined })
const names = maybe(fc.constantFrom('Ann', 'Bo'))

/** Inputs that their providers accept, any number of times. */
const INPUTS: Readonly<Record<string, readonly [RecordType, fc.Arbitrary<Input>]>> = {
  verilock: [
    'Session',
    fc.record({
      ...shared,
      metadata,
      session: fc.record({
        verilock: fc.record({
          profileId: fc.constant(SESSION_INPUTS.VERILOCK.verilock.profileId),
          applicantName: names,
          expiresInSeconds: maybe(fc.constantFrom(300, 3600, 7200)),
          redirectUrl: maybe(fc.constant('https://app.example.com/done')),
        }),
      }),
    }),
  ],
  kayle: [
    'Session',
    fc.record({
      ...shared,
      metadata,
      session: fc.record({
        kayle: fc.record({
          redirectUrl: maybe(fc.constantFrom('https://app.example.com/done', 'https://app.example.com/other')),
          shareFields: maybe(
            fc.uniqueArray(
              fc.record({
                key: fc.constantFrom('date_of_birth', 'nationality_code', 'age_over_18'),
                required: fc.boolean(),
                reason: fc.constantFrom('To check it', 'By law'),
              }),
              { selector: ({ key }) => key, maxLength: 2 },
            ),
          ),
        }),
      }),
    }),
  ],
  yorlet: [
    'Session',
    fc.record({
      ...shared,
      metadata,
      session: fc.record({
        yorlet: fc.record({
          applicantProviderId: fc.constant(SESSION_INPUTS.YORLET.yorlet.applicantProviderId),
          sendEmail: maybe(fc.boolean()),
        }),
      }),
    }),
  ],
  personr: [
    'Applicant',
    fc.record({
      ...shared,
      applicant: fc.record({
        personr: fc.record({
          email: fc.constant('EMAIL'),
          phone: fc.constant('+46 70 000 00 00'),
          flowName: fc.constant('KYC basic'),
          firstName: names,
          externalUserIds: maybe(fc.uniqueArray(fc.constantFrom('one', 'two'), { maxLength: 2 })),
        }),
      }),
    }),
  ],
  rapidly: [
    'Customer',
    fc.record({
      customer: fc.record({
        rapidly: fc.record({
          email: fc.constant('EMAIL'),
          name: names,
          type: maybe(fc.constantFrom('INDIVIDUAL', 'TEAM')),
          metadata: maybe(
            fc.dictionary(fc.constantFrom('a', 'b'), fc.oneof(fc.boolean(), fc.integer()), { maxKeys: 2 }),
          ),
          billingAddress: maybe(fc.record({ country: fc.constantFrom('SE', 'DE'), city: names })),
        }),
      }),
    }),
  ],
}

/** Values that are equivalent to an omitted field, by the path of the field. */
const LEFT_OUT: Readonly<Record<string, unknown>> = {
  'session.verilock.expiresInSeconds': 3600,
  'customer.rapidly.type': 'INDIVIDUAL',
  'customer.rapidly.metadata': {},
  'applicant.personr.externalUserIds': [],
}

/** The meaning of an input as text. This model shares no code with the server. */
function meaning(input: unknown, path: readonly string[] = []): string {
  const isFree = path.at(-1) === 'metadata' || path.includes('metadata')
  if (Array.isArray(input)) return `[${input.map(item => meaning(item, path)).join()}]`
  if (typeof input !== 'object' || input === null) return JSON.stringify(input)
  const entries = Object.entries(input)
    .filter(([, value]) => value !== undefined && (isFree || value !== null))
    .filter(([name, value]) => {
      const omitted = isFree ? undefined : LEFT_OUT[[...path, name].join('.')]
      return omitted === undefined || JSON.stringify(omitted) !== JSON.stringify(value)
    })
    .sort(([one], [other]) => (one < other ? -1 : 1))
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${meaning(value, [...path, name])}`).join()}}`
}

/** An equivalent input in another form, as `choose` decides. */
function respell(value: unknown, path: readonly string[], choose: () => boolean): unknown {
  const isFree = path.includes('metadata')
  if (Array.isArray(value)) {
    const items = value.map(item => respell(item, path, choose))
    return !isFree && items.length === 1 && choose() ? items[0] : items
  }
  if (typeof value !== 'object' || value === null) return value
  const known = Object.keys(value)
  const absent = isFree
    ? []
    : OPTIONAL.filter(place => place.slice(0, -1).join('.') === path.join('.')).map(place => place.at(-1) ?? '')
  const entries = [...new Set([...known, ...absent])].flatMap((name): [string, unknown][] => {
    const inner = (value as Input)[name]
    const here = [...path, name]
    const omitted = isFree ? undefined : LEFT_OUT[here.join('.')]
    if (inner === undefined) {
      if (omitted !== undefined && choose()) return [[name, omitted]]
      return choose() ? [[name, null]] : []
    }
    if (omitted !== undefined && JSON.stringify(omitted) === JSON.stringify(inner) && choose()) return []
    return [[name, respell(inner, here, choose)]]
  })
  return Object.fromEntries(choose() ? entries.reverse() : entries)
}

/** The fields that may be null or omitted. */
const OPTIONAL = [
  'externalId',
  'session.verilock.expiresInSeconds',
  'session.verilock.applicantName',
  'session.verilock.applicantEmail',
  'session.kayle.redirectUrl',
  'session.kayle.shareFields',
  'session.yorlet.sendEmail',
  'applicant.personr.externalUserIds',
  'applicant.personr.lastName',
  'customer.rapidly.type',
  'customer.rapidly.metadata',
  'customer.rapidly.name',
  'customer.rapidly.billingAddress',
  'customer.rapidly.billingAddress.line1',
].map(place => place.split('.'))

interface ReportedOutcome {
  readonly __typename: string
  readonly code?: string
  readonly replayed?: boolean
}

async function execute(query: string, variables?: Input): Promise<ReportedOutcome> {
  const { data, errors } = await app.execute(query, variables)
  expect(errors).toEqual([])
  return data.answer
}

/** Sends the create with the input in one variable, in a variable for each field, or in the document. */
async function create(
  recordType: RecordType,
  idempotencyKey: string,
  input: Input,
  way: number,
): Promise<ReportedOutcome> {
  // E-mail addresses are unique at Rapidly.
  const given = JSON.parse(
    JSON.stringify({ idempotencyKey, ...input }).replace('EMAIL', `${idempotencyKey}@example.com`),
  ) as Input
  const selection = `{ __typename ... on Create${recordType}Payload { replayed } ... on MutationError { code message } ... on InvalidInputError { issues { path message } } }`
  if (way === 0) {
    const query = `mutation ($input: Create${recordType}Input!) { answer: create${recordType}(input: $input) ${selection} }`
    return execute(query, { input: given })
  }
  if (way === 1) {
    const query = `mutation { answer: create${recordType}(input: ${literal(given)}) ${selection} }`
    return execute(query)
  }
  const fields = inputType(`Create${recordType}Input`).getFields()
  const names = Object.keys(given)
  const variables = names.map(name => `$${name}: ${fields[name]?.type}`).join(', ')
  const inner = names.map(name => `${name}: $${name}`).join(', ')
  const query = `mutation (${variables}) { answer: create${recordType}(input: { ${inner} }) ${selection} }`
  return execute(query, given)
}

function inputType(name: string): GraphQLInputObjectType {
  const type = schema.getType(name)
  if (!isInputObjectType(type)) throw new TypeError(`${name} is no input.`)
  return type
}

/** A value as a GraphQL literal. JSON scalars have no printer in graphql-js. */
function literal(value: unknown, path: readonly string[] = []): string {
  if (Array.isArray(value)) return `[${value.map(item => literal(item, path)).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const isFree = path.includes('metadata')
    const fields = Object.entries(value).filter(([, inner]) => inner !== undefined)
    // Keys that are no GraphQL names are possible in variables only.
    if (isFree && fields.some(([name]) => !/^[a-z_]\w*$/i.test(name))) throw new NoLiteral()
    return `{ ${fields.map(([name, inner]) => `${name}: ${literal(inner, [...path, name])}`).join(', ')} }`
  }
  if (path.at(-1) === 'type' && typeof value === 'string') return value
  return typeof value === 'number' && Number.isInteger(value) && path.includes('metadata') && Math.abs(value) < 1000
    ? value.toFixed(1)
    : JSON.stringify(value)
}

class NoLiteral extends Error {}

test.each(Object.keys(INPUTS))(
  'an idempotency key can be repeated with equivalent input, and is refused with different input: %s',
  async name => {
    const [recordType, inputs] = INPUTS[name] as (typeof INPUTS)[string]
    await fc.assert(
      fc.asyncProperty(
        inputs,
        inputs,
        fc.infiniteStream(fc.boolean()),
        fc.nat(2),
        fc.nat(2),
        async (input, other, choices, way, otherWay) => {
          const choose = () => choices.next().value as boolean
          const key = randomUUID()
          const again = respell(input, [], choose) as Input
          try {
            expect(await create(recordType, key, input, way)).toMatchObject({ replayed: false })
            expect(await create(recordType, key, again, otherWay)).toMatchObject({ replayed: true })
            const same = meaning(input) === meaning(other)
            const reported = await create(recordType, key, other, otherWay)
            expect(reported).toMatchObject(same ? { replayed: true } : { code: 'IDEMPOTENCY_KEY_REUSED' })
          } catch (error) {
            if (!(error instanceof NoLiteral)) throw error
          }
        },
      ),
      { numRuns: RUNS, seed: SEED },
    )
  },
  60_000,
)

test.each([
  ['an external id of null', { externalId: null }, {}],
  ['links of null', { applicantId: null, customerId: null }, {}],
  ['metadata of null', { metadata: null }, {}],
  ['keys in another order', { metadata: { a: 1, b: { c: 2, d: 3 } } }, { metadata: { b: { d: 3, c: 2 }, a: 1 } }],
])('%s is equivalent', async (_what, one, other) => {
  const session = SESSION_INPUTS.VERILOCK
  const key = randomUUID()
  expect(await create('Session', key, { ...one, session }, 0)).toMatchObject({ replayed: false })
  expect(await create('Session', key, { ...other, session }, 0)).toMatchObject({ replayed: true })
})

test.each([
  ['a null in metadata', { metadata: { a: null } }, { metadata: {} }],
  ['no metadata', { metadata: {} }, {}],
  ['a text for a number', { metadata: { a: 1 } }, { metadata: { a: '1' } }],
  ['a list for its only item', { metadata: { a: [1] } }, { metadata: { a: 1 } }],
  ['a list in another order', { metadata: { a: [1, 2] } }, { metadata: { a: [2, 1] } }],
  ['the key of a link', { externalId: 'usr_1' }, {}],
])('%s is different', async (_what, one, other) => {
  const session = SESSION_INPUTS.VERILOCK
  const key = randomUUID()
  expect(await create('Session', key, { ...one, session }, 0)).toMatchObject({ replayed: false })
  expect(await create('Session', key, { ...other, session }, 0)).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
})
