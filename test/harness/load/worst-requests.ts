import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from 'graphql'
import { API_KEY } from '../app/test-app.ts'
import type { RawRequest } from '../clients/raw-client.ts'
import type { RichData } from './rich-data.ts'

/** Requests that are as expensive as the limits allow, generated from the schema. */

export interface WorstRequest {
  readonly name: string
  readonly request: RawRequest
}

const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
const MAX_ALIASES = 30
const times = (count: number, part: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => part(at)).join(' ')

export function operation(query: string, variables: object = {}): RawRequest {
  return { headers: HEADERS, body: JSON.stringify({ query, variables }) }
}

export function worstRequests(schema: GraphQLSchema, data: RichData): WorstRequest[] {
  return [...aliasesOfEachField(schema, data), ...documents(data), ...variables(data), ...bodies(), ...headers()]
}

/** The field with its smallest selection; undefined where it has a required argument. */
export function smallest(
  { name, type, args }: GraphQLField<unknown, unknown>,
  schema: GraphQLSchema,
): string | undefined {
  if (args.some(isRequiredArgument)) return undefined
  const named = getNamedType(type)
  return isLeafType(named) ? name : `${name} ${smallestSelection(named, schema)}`
}

function smallestSelection(type: GraphQLNamedType, schema: GraphQLSchema): string {
  if (isAbstractType(type) || !isObjectType(type)) return '{ __typename }'
  const fields = type.getFields()
  if (fields.nodes) return '{ nodes { __typename } }'
  const [first] = Object.values(fields).filter(field => isLeafType(getNamedType(field.type)))
  return first
    ? `{ ${first.name} }`
    : `{ ${smallest(Object.values(fields)[0] as GraphQLField<unknown, unknown>, schema)} }`
}

function aliasesOfEachField(schema: GraphQLSchema, { richSessionId }: RichData): WorstRequest[] {
  const pages: readonly (readonly [string, string, (below: string) => RawRequest])[] = [
    ...(['sessions', 'applicants', 'customers', 'events'] as const).map(
      list =>
        [
          list,
          { sessions: 'Session', applicants: 'Applicant', customers: 'Customer', events: 'WebhookReceived' }[list],
          (below: string) =>
            operation(
              `{ ${list}(first: 100) { nodes { ${list === 'events' ? `... on WebhookReceived { ${below} }` : below} } } }`,
            ),
        ] as const,
    ),
    [
      'timeline',
      'WebhookReceived',
      below =>
        operation(
          `query ($id: ID!) { session(by: { id: $id }) { timeline(last: 100) { nodes { ... on WebhookReceived { ${below} } } } } }`,
          { id: richSessionId },
        ),
    ],
  ]
  return pages.flatMap(([list, type, toRequest]) =>
    Object.values((schema.getType(type) as GraphQLObjectType).getFields()).flatMap(field => {
      const selection = smallest(field, schema)
      if (!selection) return []
      // As many as the cost allows.
      return [1, 3, 10, MAX_ALIASES].map(count => ({
        name: `${list}: ${count} × ${selection}`,
        request: toRequest(times(count, at => `a${at}: ${selection}`)),
      }))
    }),
  )
}

function documents({ sessionIds, richSessionId, externalId, customerId }: RichData): WorstRequest[] {
  const unknown = times(900, at => `unknown${at}`)
  const chain = times(300, at => `fragment F${at} on Query { ...F${at + 1} }`)
  const texts: Record<string, RawRequest> = {
    'unknown fields': operation(`{ ${unknown} }`),
    'unknown fields of a row': operation(`{ sessions { nodes { ${unknown} } } }`),
    'a field many times': operation(`{ sessions(first: 100) { nodes { ${'id '.repeat(1_900)} } } }`),
    'fields that may conflict': operation(
      `{ sessions { nodes { ${'timeline(first: 1) { totalCount } '.repeat(150)} } } }`,
    ),
    'fields that conflict': operation(
      `{ sessions { nodes { ${times(150, at => `timeline(first: ${at}) { totalCount }`)} } } }`,
    ),
    'fragments in a chain': operation(`{ ...F0 } ${chain} fragment F300 on Query { __typename }`),
    'unknown fragments': operation(`{ ${times(600, at => `...F${at}`)} }`),
    'fragments that spread each other': operation(
      `{ ...F0 } ${times(60, at => `fragment F${at} on Query { ...F${at + 1} ...F${at + 1} }`)} fragment F60 on Query { __typename }`,
    ),
    'unused variables': operation(`query (${times(400, at => `$v${at}: Int`)}) { __typename }`),
    'unknown directives': operation(`{ __typename ${times(600, at => `@d${at}`)} }`),
    'a long text': operation(`{ session(by: { id: "${'x'.repeat(200_000)}" }) { id } }`),
    'a long name': operation(`{ ${'x'.repeat(200_000)} }`),
    'a long string for an enum': operation(
      `{ sessions(filter: { statuses: ["${'x'.repeat(200_000)}"] }) { totalCount } }`,
    ),
    'a long comment': operation(`{ __typename } #${'x'.repeat(200_000)}`),
    commas: operation(`{ __typename ${','.repeat(200_000)} }`),
    introspection: operation(
      '{ __schema { types { name fields { name args { name type { name } } type { name ofType { name } } } } } }',
    ),
    'counts of each row': operation(
      `{ sessions(first: 100) { nodes { ${times(7, at => `a${at}: timeline(first: 0) { totalCount }`)} } } }`,
    ),
    'timelines of each row': operation('{ sessions(first: 100) { nodes { timeline(first: 100) { nodes { id } } } } }'),
    'sessions of the customer of each row': operation(
      '{ sessions(first: 90) { nodes { customer { sessions(first: 40) { nodes { id } } } } } }',
    ),
    'persons of each row': operation(
      '{ sessions(first: 100) { nodes { person { externalId sessions(first: 20) { nodes { id } } nextAction { kind } } } } }',
    ),
    'attempts of each row': operation(
      '{ sessions(first: 90) { nodes { attempts(first: 100, freshness: { maxAgeSeconds: 0 }) { nodes { id } } } } }',
    ),
    'a page of events': operation(
      'query ($id: ID!) { session(by: { id: $id }) { timeline(first: 100) { totalCount edges { cursor node { id cursor session { id } } } } } }',
      { id: richSessionId },
    ),
    'a person': operation(
      'query ($e: String!) { person(externalId: $e) { sessions(first: 100) { nodes { id status metadata } } applicants { nodes { id } } customers { nodes { id } } } }',
      { e: externalId },
    ),
    'a customer': operation(
      'query ($id: ID!) { customer(by: { id: $id }) { metadata sessions(first: 100) { totalCount nodes { id } } } }',
      { id: customerId },
    ),
    nodes: operation(
      'query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Session { status outcome person { externalId } } } }',
      { ids: sessionIds.slice(0, 100) },
    ),
    entities: operation('query ($r: [_Any!]!) { _entities(representations: $r) { ... on Session { id status } } }', {
      r: sessionIds.slice(0, 100).map(id => ({ __typename: 'Session', id })),
    }),
    'errors of rows: links': operation(
      '{ sessions(first: 100) { nodes { customer(freshness: { maxAgeSeconds: -1 }) { id } applicant(freshness: { maxAgeSeconds: -1 }) { id } } } }',
    ),
    'errors of rows: aliases': operation(
      `query ($p: [Provider!]) { sessions(first: 100) { nodes { person { ${times(20, at => `a${at}: nextAction(providers: $p) { kind }`)} } } } }`,
      { p: Array(21).fill('KAYLE') },
    ),
    ...Object.fromEntries(
      ['', ';incrementalSpec=v0.2'].map(spec => [
        `rows in parts${spec}`,
        {
          ...operation(
            `{ sessions(first: 100) { nodes { ${times(8, at => `a${at}: metadata`)} ... @defer { __typename } } } }`,
          ),
          headers: { ...HEADERS, accept: `multipart/mixed${spec}` },
        },
      ]),
    ),
    'a stream of an unknown session': {
      ...operation(`subscription { sessionUpdated(id: "x") { ${times(29, at => `a${at}: session { id }`)} } }`),
      headers: { ...HEADERS, accept: 'text/event-stream' },
    },
  }
  return Object.entries(texts).map(([name, request]) => ({ name, request }))
}

/** Characters of which expressions, parsers and messages may take more than their length. */
const LONG = ['x', ' ', '"', '\\', '-', '0', '9', '.', '%', '@', 'é', '😀', '\n', '\u0001', '<', "' ", 'a.', '%20']

function variables({ sessionIds }: RichData): WorstRequest[] {
  const page =
    'query ($after: String, $filter: SessionFilter) { sessions(after: $after, filter: $filter) { totalCount } }'
  const create =
    'mutation ($i: CreateSessionInput!) { createSession(input: $i) { __typename ... on MutationError { code message } ... on InvalidInputError { issues { path message } } } }'
  const session = { kayle: {} }
  const texts = LONG.flatMap((character): [string, RawRequest][] => {
    const long = character.repeat(20_000 / character.length)
    const name = JSON.stringify(character)
    return [
      [`a cursor of ${name}`, operation(page, { after: long })],
      [`an externalId of ${name}`, operation(page, { filter: { externalId: long } })],
      [`a time of ${name}`, operation(page, { filter: { createdAfter: long } })],
      [`an enum of ${name}`, operation(page, { filter: { statuses: [long] } })],
      [
        `an id of ${name}`,
        operation('query ($id: ID!) { session(by: { id: $id }) { id } node(id: $id) { id } }', { id: long }),
      ],
      [
        `an e-mail address of ${name}`,
        operation('query ($e: String) { customers(filter: { email: $e }) { totalCount } }', { e: long }),
      ],
      [`a key of ${name}`, operation(create, { i: { idempotencyKey: long, session } })],
      [
        `a URL of ${name}`,
        operation(create, { i: { idempotencyKey: 'a', session: { kayle: { redirectUrl: `https://${long}` } } } }),
      ],
      [`metadata of ${name}`, operation(create, { i: { idempotencyKey: 'a', metadata: { [long]: long }, session } })],
    ]
  })
  const ids = 'query ($a: [ID!]!) { nodes(ids: $a) { id } }'
  const unknownKeys = Object.fromEntries(Array.from({ length: 12_000 }, (_, at) => [`k${at}`, at]))
  const longKeys = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`k${at}`.repeat(1_000).slice(0, 512), at]))
  const lists: [string, RawRequest][] = [
    ['86,000 ids', operation(ids, { a: Array(60_000).fill(1) })],
    ['30,000 ids that are objects', operation(ids, { a: Array(30_000).fill({}) })],
    [
      'ids that name other types',
      operation(ids, { a: Array.from({ length: 100 }, (_, at) => sessionIds[at]?.slice(1) ?? 'x') }),
    ],
    [
      '1,490 unknown keys',
      operation(page, { filter: Object.fromEntries(Object.entries(unknownKeys).slice(0, 1_490)) }),
    ],
    ['unknown keys', operation(page, { filter: unknownKeys })],
    ['a long unknown key', operation(page, { filter: { ['k'.repeat(200_000)]: 1 } })],
    ['long unknown keys', operation(page, { filter: longKeys })],
    ['a long enum value', operation(page, { filter: { statuses: ['x'.repeat(200_000)] } })],
    ['an enum value of many keys', operation(page, { filter: { statuses: [unknownKeys] } })],
    ['unknown keys of a mutation', operation(create, { i: unknownKeys })],
    [
      'unknown keys beside a condition',
      operation(
        'query ($f: SessionFilter, $is: Boolean = true) { sessions(filter: $f) { liveCursor @include(if: $is) } }',
        { f: unknownKeys },
      ),
    ],
    [
      'unknown enum values',
      operation(page, { filter: { statuses: Array.from({ length: 15_000 }, (_, at) => `S${at}`) } }),
    ],
    [
      'share fields',
      operation(create, {
        i: {
          idempotencyKey: 'a',
          session: { kayle: { shareFields: Array(2_500).fill({ key: 'x', required: true, reason: '' }) } },
        },
      }),
    ],
    [
      'metadata of many keys',
      operation(create, {
        i: {
          idempotencyKey: 'a',
          session,
          metadata: Object.fromEntries(Array.from({ length: 15_000 }, (_, at) => [`k${at}`, at])),
        },
      }),
    ],
    [
      'unknown entities',
      operation('query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }', {
        r: Array(12_000).fill({ __typename: 'X' }),
      }),
    ],
  ]
  return [...texts, ...lists].map(([name, request]) => ({ name, request }))
}

function bodies(): WorstRequest[] {
  const texts: Record<string, string> = {
    'lists in lists': `{"query":"{ __typename }","variables":{"a":[${Array(2_000).fill(`${'['.repeat(60)}${']'.repeat(60)}`)}]}}`,
    'many keys': `{"query":"{ __typename }","variables":{${Array.from({ length: 20_000 }, (_, at) => `"k${at}":1`)}}}`,
    'equal keys': `{"query":"{ __typename }","variables":{${Array(40_000).fill('"k":1')}}}`,
    'long numbers': `{"query":"{ __typename }","variables":{"a":[${Array(12_000).fill('12345678901234567890')}]}}`,
    'one long number': `{"query":"{ __typename }","variables":{"a":${'9'.repeat(250_000)}}}`,
    escapes: `{"query":"{ __typename }","variables":{"a":"${'\\ud800'.repeat(40_000)}"}}`,
    quotes: `{"query":"{ __typename }","variables":{"a":"${'\\"'.repeat(120_000)}`,
    braces: '{'.repeat(250_000),
  }
  return Object.entries(texts).map(([name, body]) => ({
    name: `a body of ${name}`,
    request: { headers: HEADERS, body },
  }))
}

function headers(): WorstRequest[] {
  const names = ['accept', 'content-type', 'traceparent', 'x-request-id', 'last-event-id', 'origin', 'cookie']
  const long = ['x', ' ', ',', ';', 'a,', 'a;', '*/*,', '-', '='].map(character =>
    character.repeat(12_000 / character.length),
  )
  const body = '{"query":"{ __typename }"}'
  return [
    ...names.flatMap(header =>
      long.map(value => ({
        name: `a header ${header} of ${JSON.stringify(value.slice(0, 3))}`,
        request: { headers: { ...HEADERS, [header]: `a${value}b` }, body },
      })),
    ),
    {
      name: 'many headers',
      request: {
        headers: { ...HEADERS, ...Object.fromEntries(Array.from({ length: 900 }, (_, at) => [`h${at}`, '1'])) },
        body,
      },
    },
  ]
}
