import type { ErrorCode } from '../../src/domain/errors.ts'
import { API_KEY } from './house.ts'
import type { Asking } from './raw-client.ts'

/** A request that has to be refused, with what it has to be refused with. */
export interface BadRequest extends Asking {
  readonly group: string
  readonly name: string
  readonly status: number
  readonly code: ErrorCode
}

export const KEY = { authorization: `Bearer ${API_KEY}` }
const JSON_TYPE = { 'content-type': 'application/json' }
const NEW_TYPE = { accept: 'application/graphql-response+json' }
const PREFLIGHT = { 'graphql-require-preflight': '1' }
const HONEST = '{"query":"{ __typename }"}'

type Row = readonly [name: string, value: string]
const repeat = (count: number, part: (index: number) => string) => Array.from({ length: count }, (_, at) => part(at))
const same = (values: readonly string[]): Row[] => values.map(value => [value.slice(0, 60), value])

function rows(
  group: string,
  status: number,
  code: ErrorCode,
  entries: readonly Row[],
  toAsking: (value: string) => Asking,
) {
  return entries.map(([name, value]): BadRequest => ({ group, name, status, code, ...toAsking(value) }))
}

const posted = (body: string | Uint8Array): Asking => ({ headers: { ...KEY, ...JSON_TYPE, ...NEW_TYPE }, body })
const asked = (query: string) => posted(JSON.stringify({ query }))
const got = (search: string): Asking => ({
  method: 'GET',
  path: `/graphql?${search}`,
  headers: { ...KEY, ...NEW_TYPE, ...PREFLIGHT },
})

const MEDIA_TYPES = same([
  'text/plain',
  'text/html',
  'text/json',
  'application/xml',
  'application/x-www-form-urlencoded',
  'application/graphql',
  'application/graphql+json',
  'application/graphql-response+json',
  'application/jsonx',
  'application/json-seq',
  'application/ld+json',
  'application/problem+json',
  'application/octet-stream',
  'application',
  'json',
  '*/*',
  '/',
  ';',
  'application/*',
  'application/json,text/plain',
  'application/json;charset=utf-16',
  'application/json;charset=iso-8859-1',
  'application/json; charset=utf-7',
  'application/json; charset=',
  'multipart/form-data',
  'multipart/form-data; boundary=x',
  'multipart/mixed; boundary=x',
  'application/json/',
  ' ',
  'text/event-stream',
])
const ENCODINGS = same(['gzip', 'deflate', 'br', 'zstd', 'gzip, gzip', 'identity, gzip', 'x', 'GZIP', 'compress', '*'])
const METHODS = same([
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'MKCOL',
  'LOCK',
  'REPORT',
  'SEARCH',
  'LINK',
  'PURGE',
])

const MULTIPART: Row[] = [
  [
    'operations and a map',
    '--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n{"query":"{ __typename }"}\r\n--x\r\ncontent-disposition: form-data; name="map"\r\n\r\n{"0":["variables.file"]}\r\n--x--\r\n',
  ],
  ['no end', '--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n{"query":'],
  [
    'a map into the prototype',
    '--x\r\ncontent-disposition: form-data; name="map"\r\n\r\n{"0":["__proto__.x"]}\r\n--x--\r\n',
  ],
  ['no parts', '--x--\r\n'],
  ['another boundary', '--y\r\n\r\n--y--'],
  ['nothing', ''],
]

const NO_JSON: Row[] = [
  ...same([
    ' ',
    'null',
    'true',
    '1',
    '"{ __typename }"',
    '[]',
    '[{}]',
    `[${HONEST}]`,
    `[${HONEST},${HONEST}]`,
    '{',
    '}',
    '{]',
    '[}',
    '{"query"',
    '{"query":}',
    '{"query":"{ __typename }",}',
    "{'query':'{ __typename }'}",
    '{query:"{ __typename }"}',
    '{"query":"{ __typename }"} x',
    `${HONEST}${HONEST}`,
    '{"query":"{ __typename }',
    '{"query":NaN}',
    '{"query":undefined}',
    '{"query":"\\x41"}',
    '{"query":"\\u12"}',
    '{"query":"a\nb"}',
    '{"query":"a\tb"}',
    '{"query":"{ __typename }"/**/}',
    '{"query":0x10}',
    '{"query":01}',
    '{"query":.5}',
    '{"query":+1}',
    '{"query":1e}',
    '{"query":--1}',
    '<query/>',
    'query=a',
    '{}',
    '{"query":null}',
    '{"Query":"{ __typename }"}',
    '{ __typename }',
  ]),
  ['nothing', ''],
  ['lists 65 deep', '['.repeat(65) + ']'.repeat(65)],
  ['lists 100,000 deep', '['.repeat(100_000) + ']'.repeat(100_000)],
  ['lists opened 200,000 times', '['.repeat(200_000)],
  ['objects 40,000 deep', `${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}`],
  ['variables 65 deep', `{"query":"{ __typename }","variables":{"a":${'['.repeat(70)}${']'.repeat(70)}}}`],
  ['200,000 commas', `{${','.repeat(200_000)}}`],
  ['200,000 quotes', '"'.repeat(200_000)],
  ['200,000 backslashes', `"${'\\'.repeat(200_000)}`],
  ['half of a character', '{"query":"{ __typename }","variables":{"a":"\\ud800"}}'],
  ['the other half of a character', '{"query":"{ __typename }","variables":{"a":["\\uDC00"]}}'],
  ['half of a character as a key', '{"query":"{ __typename }","variables":{"\\udbff":1}}'],
  ['a null character', '{"query":"{ __typename }\0"}'],
  ['a null character that is escaped', '{"query":"{ __typename }","variables":{"a":"\\u0000"}}'],
  ['a null character in a string of the document', '{"query":"{ node(id: \\"\\\\u0000\\") { id } }"}'],
  ['a null character in braces in the document', '{"query":"{ node(id: \\"\\\\u{0}\\") { id } }"}'],
]

const NO_UTF8: readonly [string, readonly number[]][] = [
  ['ff', [0xff]],
  ['fe', [0xfe]],
  ['an overlong slash', [0xc0, 0xaf]],
  ['an overlong null', [0xc0, 0x80]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['a cut sequence', [0xe2, 0x82]],
  ['a lone continuation', [0x80]],
  ['beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
  ['five bytes', [0xf8, 0x88, 0x80, 0x80, 0x80]],
  ['Latin-1', [0xe9]],
]

const ODD_VALUES = ['0', '1', '-1', '1.5', '1e400', 'true', 'false', '[]', '["a"]', '[[]]', '"a"', '{}', '{"a":1}']
const mistyped = (key: string, but: RegExp) =>
  ODD_VALUES.filter(value => !but.test(value)).map(
    (value): Row => [
      `"${key}" is ${value}`,
      key === 'query' ? `{"query":${value}}` : `{"query":"{ __typename }","${key}":${value}}`,
    ],
  )
const SHAPES: Row[] = [
  ...mistyped('query', /^"/),
  ...mistyped('operationName', /^"/),
  ...mistyped('variables', /^\{/),
  ...mistyped('extensions', /^\{/),
  ...mistyped('documentId', /^"/),
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'id',
    'doc_id',
    'operationname',
    'mutation',
    '',
    'query ',
    'persistedQuery',
  ].map((key): Row => [`a key "${key}"`, `{"query":"{ __typename }","${key}":{"a":1}}`]),
  ['another operation than there is', '{"query":"query A { __typename }","operationName":"B"}'],
  ['two operations and no name', '{"query":"query A { __typename } query B { __typename }"}'],
  ['a name of the prototype', '{"query":"query A { __typename }","operationName":"__proto__"}'],
]

const UNPARSEABLE: Row[] = [
  ...same([
    ' ',
    '#',
    '{',
    '}',
    '{}',
    '{ }',
    '{ __typename',
    '__typename }',
    '{ __typename }}',
    '{ a: }',
    '{ : a }',
    '{ a(b) }',
    '{ a(b:) }',
    '{ a() }',
    '{ ...}',
    '{ ... on }',
    '{ a @ }',
    '{ a @b( }',
    'query',
    'query {',
    'query ( { a }',
    'query ($a) { b }',
    'query ($a: ) { b }',
    'mutation',
    'subscription {',
    'fragment',
    'fragment on on Query { a }',
    'fragment A { a }',
    '{ a(b: "c) }',
    '{ a(b: """c) }',
    '{ a(b: "\\q") }',
    '{ a(b: "\\uZZZZ") }',
    '{ a(b: 01) }',
    '{ a(b: 1.) }',
    '{ a(b: 1e) }',
    '{ a(b: -) }',
    '{ a(b: $) }',
    '{ a(b: {c}) }',
    '{ a(b: [) }',
    '{ a ? }',
    '{ é }',
    '{ 🏃 }',
    'schema {',
    'SELECT 1',
    '[]',
    'null',
    '{ a(b: "\\uD800") }',
    '{ a(b: "\\u{110000}") }',
    '{ a\u0007 }',
    '{ a %00 }',
  ]),
  ['a string of 200 KB that does not end', `{ a(b: "${'x'.repeat(200_000)}) }`],
  ['1,000 opened braces', '{ a '.repeat(900)],
]

const cycle = (size: number) =>
  `{ sessions { nodes { ...F0 } } } ${repeat(size, at => `fragment F${at} on Session { id ...F${(at + 1) % size} ...F${(at + 2) % size} }`).join(' ')}`
const INVALID: Row[] = [
  ...same([
    '{ nothing }',
    '{ providers }',
    '{ __typename { a } }',
    '{ providers { nothing } }',
    '{ providers(a: 1) { provider } }',
    '{ session { id } }',
    '{ session(by: {}) { id } }',
    '{ session(by: null) { id } }',
    '{ session(by: 1) { id } }',
    '{ session(by: { id: "a", provider: null }) { id } }',
    '{ session(by: { ID: "a" }) { id } }',
    '{ nodes { id } }',
    '{ nodes(ids: null) { id } }',
    '{ nodes(ids: [null]) { id } }',
    '{ node(id: {}) { id } }',
    '{ node(id: 1.5) { id } }',
    '{ sessions(first: "1") { totalCount } }',
    '{ sessions(first: 1.5) { totalCount } }',
    '{ sessions(first: 99999999999) { totalCount } }',
    `{ sessions(first: ${'9'.repeat(10_000)}) { totalCount } }`,
    '{ sessions(first: 1e400) { totalCount } }',
    '{ sessions(first: true) { totalCount } }',
    '{ sessions(orderBy: UP) { totalCount } }',
    '{ sessions(filter: { status: [NONE] }) { totalCount } }',
    '{ sessions(filter: []) { totalCount } }',
    '{ sessions(filter: { createdAfter: "yesterday" }) { totalCount } }',
    '{ sessions(filter: { createdAfter: 1 }) { totalCount } }',
    'query ($a: Nothing) { node(id: $a) { id } }',
    'query ($a: Session) { __typename }',
    'query ($a: ID!, $a: ID!) { node(id: $a) { id } }',
    'query ($a: Int) { node(id: $a) { id } }',
    'query ($a: ID) { node(id: $a) { id } }',
    '{ node(id: $a) { id } }',
    'query ($a: ID!) { __typename }',
    '{ __typename @nothing }',
    '{ __typename @include }',
    '{ __typename @include(if: 1) }',
    '{ __typename @skip(if: true) @skip(if: true) }',

    '{ ...Nothing }',

    '{ __typename } fragment A on Query { __typename }',
    '{ ...A } fragment A on Nothing { a }',
    '{ ...A } fragment A on Provider { a }',
    '{ ...A } fragment A on Session { id }',
    '{ ... on Session { id } }',
    '{ a: __typename a: providers { provider } }',
    '{ providers { provider provider: sandbox } }',
    'subscription { sessionUpdated(id: "a") { cursor } sessionsUpdated { cursor } }',
    'subscription { nothing }',
    'mutation { nothing }',
    'mutation { createSession { __typename } }',
    'mutation { createSession(input: {}) { __typename } }',

    '{ __schema { nothing } }',
    '{ __type { name } }',
    '{ __proto__ }',
    '{ constructor }',
    '{ toString }',
    '{ hasOwnProperty { a } }',
    '{ __typename @include(if: true, a: 1) }',
    '{ sessions(first: 1, first: 2) { totalCount } }',
    '{ sessions(filter: { externalId: "a", externalId: "b" }) { totalCount } }',
  ]),
  ['a fragment in itself', '{ ...A } fragment A on Query { ...A }'],
  ['two fragments in each other', '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }'],
  ['a cycle of 20', cycle(20)],
  ['a cycle of 140', cycle(140)],
  ['a cycle that nobody spreads', '{ __typename } fragment A on Query { ...B } fragment B on Query { ...A }'],
  ['900 directives nobody knows', `{ __typename ${'@a '.repeat(900)} }`],
  ['900 fields nobody knows', `{ ${'providers { nothing } '.repeat(9)} }`],
  [
    'the same name 1,900 times for two things',
    `{ providers { ${'a: provider '.repeat(14)} ${'a: sandbox '.repeat(15)} } }`,
  ],
]

const nest = (depth: number) =>
  `{ sessions(first: 1) { nodes ${'{ customer { sessions(first: 1) { nodes '.repeat(depth)}{ id } ${'} } } '.repeat(depth)} } }`
const doubling = (times: number, last: string) =>
  `{ ...F0 } ${repeat(times, at => `fragment F${at} on Query { ...F${at + 1} ...F${at + 1} }`).join(' ')} fragment F${times} on Query { ${last} }`
const COMPLEX: Row[] = [
  ['deep', nest(4)],
  ['deeper', nest(100)],
  [
    'deep by fragments',
    `{ sessions { nodes { ...F0 } } } ${repeat(13, at => `fragment F${at} on Session { customer { sessions { nodes { ...F${at + 1} } } } }`).join(' ')} fragment F13 on Session { id }`,
  ],
  ['10,000 fields', `{ ${'__typename '.repeat(10_000)} }`],
  ['11 fields', `{ ${'__typename '.repeat(11)} }`],
  ['1,000 aliases', `{ ${repeat(600, at => `a${at}: __typename`).join(' ')} }`],
  ['31 aliases inside', `{ providers { ${repeat(31, at => `a${at}: provider`).join(' ')} } }`],
  ['10,000 directives', `{ __typename ${'@include(if: true) '.repeat(10_000)} }`],
  ['10,000 directives nobody knows', `{ __typename ${'@a'.repeat(10_000)} }`],
  ['10,000 arguments', `{ node(${repeat(10_000, at => `a${at}: 1`).join(' ')}) { id } }`],
  ['10,000 variables', `query (${repeat(10_000, at => `$a${at}: Int`).join(' ')}) { __typename }`],
  ['10,000 fragments', `{ __typename } ${repeat(5_000, at => `fragment F${at} on Query { a }`).join(' ')}`],
  ['10,000 operations', repeat(10_000, at => `query Q${at} { a }`).join(' ')],
  ['a list of 50,000', `{ nodes(ids: [${'1 '.repeat(50_000)}]) { id } }`],
  ['lists nested 50,000 deep', `{ nodes(ids: ${'['.repeat(50_000)}${']'.repeat(50_000)}) { id } }`],
  ['objects nested 30,000 deep', `{ session(by: ${'{a:'.repeat(30_000)}1${'}'.repeat(30_000)}) { id } }`],
  ['a type nested 50,000 deep', `query ($a: ${'['.repeat(50_000)}Int${']'.repeat(50_000)}) { __typename }`],
  ['selections nested 50,000 deep', `${'{a'.repeat(50_000)}${'}'.repeat(50_000)}`],
  ['fragments that double 60 times', doubling(60, '__typename')],
  ['fragments that double 60 times over a list', doubling(60, 'sessions { nodes { id } }')],
  [
    'aliases that double 20 times',
    `{ sessions { nodes { ...F0 } } } ${repeat(20, at => `fragment F${at} on Session { a: sync { stale } b: sync { stale } ...F${at + 1} ...F${at + 1} }`).join(' ')} fragment F20 on Session { id }`,
  ],
  ['100 sessions with two links', '{ sessions(first: 100) { nodes { customer { id } applicant { id } } } }'],
  [
    'lists in lists',
    '{ sessions(first: 100) { nodes { timeline(first: 100) { nodes { ... on AttemptChanged { attempt { id } } } } } } }',
  ],
]

const GETS: Row[] = [
  ...same([
    '',
    'query',
    'query=',
    'Query={__typename}',
    'query=%7B',
    'variables={}',
    'operationName=A',
    'extensions={}',
    'documentId=a%00',
  ]),
  ...[
    '1',
    'null1',
    '[]',
    '[1]',
    '"a"',
    '{',
    '{]',
    'NaN',
    '{"a":}',
    'undefined',
    '[object Object]',
    '{"a":"\\u0000"}',
    '%00',
    '['.repeat(65) + ']'.repeat(65),
    `${'{"a":'.repeat(70)}1${'}'.repeat(70)}`,
  ].flatMap((value): Row[] => [
    [`variables=${value.slice(0, 20)}`, `query={__typename}&variables=${encodeURIComponent(value)}`],
    [`extensions=${value.slice(0, 20)}`, `query={__typename}&extensions=${encodeURIComponent(value)}`],
  ]),
  ['a null character', 'query={__typename}%00'],
  ['two operations and no name', `query=${encodeURIComponent('query A { __typename } query B { __typename }')}`],
]

const AUTHORIZATIONS = same([
  '',
  'Bearer',
  'Bearer ',
  'Bearer  ',
  'bearer x',
  API_KEY,
  `Basic ${API_KEY}`,
  `Digest ${API_KEY}`,
  `Token ${API_KEY}`,
  `Bearer${API_KEY}`,
  `Bearer ${API_KEY} x`,
  `Bearer ${API_KEY}, Bearer ${API_KEY}`,
  `Bearer "${API_KEY}"`,
  `Bearer ${API_KEY}x`,
  `Bearer ${API_KEY.slice(1)}`,
  `Bearer ${API_KEY.toUpperCase()}`,
  'Bearer null',
  'Bearer undefined',
  'Bearer 0',
  'Bearer true',
  'Bearer *',
  "Bearer ' OR '1'='1",
  "Bearer '; DROP TABLE keys;--",
  'Bearer ../../../../etc/passwd',
  'Bearer $\u007bjndi:ldap://localhost/a}',
  'Bearer {{7*7}}',
  'Bearer __proto__',
  'Bearer constructor',
  'Bearer %00',
  'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.',
  'Bearer eyJhbGciOiJIUzI1NiJ9.e30.',
  'Bearer .',
  'Bearer ..',
  'Bearer é',
  'Bearer <script>alert(1)</script>',
  'Bearer \t',
  `Bearer\t${API_KEY}`,
  'AWS4-HMAC-SHA256 Credential=a',
  'Negotiate TlRMTVNTUAAB',
  `Bearer ${'x'.repeat(12_000)}`,
  `Bearer ${'.'.repeat(12_000)}`,
  ' '.repeat(5_000),
])

const LOOKUP = 'query ($id: ID!) { session(by: { id: $id }) { id } }'
const LIST = 'query ($filter: SessionFilter, $first: Int) { sessions(filter: $filter, first: $first) { totalCount } }'
const CREATE = 'mutation ($input: CreateSessionInput!) { createSession(input: $input) { __typename } }'
const variables = (query: string, value: string) => `{"query":${JSON.stringify(query)},"variables":${value}}`
const MISFITS: Row[] = [
  ...[
    '{}',
    '{"id":null}',
    '{"id":{}}',
    '{"id":[]}',
    '{"id":["a"]}',
    '{"id":1.5}',
    '{"id":1e400}',
    '{"id":true}',
    '{"ID":"a"}',
    '{"__proto__":{"id":"a"}}',
    '{"constructor":{"id":"a"}}',
    '{"id":{"__proto__":{"a":1}}}',
    '{"id":{"toString":"a"}}',
  ].map((value): Row => [`id: ${value}`, variables(LOOKUP, value)]),
  ...['"1"', '1.5', '1e400', '-1e400', '2147483648', '99999999999999999999', 'true', '[]', '{}', '"NaN"'].map(
    (value): Row => [`first: ${value}`, variables(LIST, `{"first":${value}}`)],
  ),
  ...[
    '1',
    '"a"',
    '[1]',
    '{"colour":1}',
    '{"__proto__":1}',
    '{"constructor":1}',
    '{"provider":"NOBODY"}',
    '{"provider":[1]}',
    '{"status":[null]}',
    '{"createdAfter":"yesterday"}',
    '{"createdAfter":1e400}',
    '{"createdAfter":"2026-13-45T99:99:99Z"}',
    '{"externalId":1}',
    '{"externalId":{"$ne":""}}',
  ].map((value): Row => [`filter: ${value}`, variables(LIST, `{"filter":${value}}`)]),
  ...[
    '{}',
    'null',
    '{"idempotencyKey":"a"}',
    '{"idempotencyKey":"a","session":{}}',
    '{"idempotencyKey":"a","session":{"kayle":null}}',
    '{"idempotencyKey":"a","session":{"kayle":{},"yorlet":{}}}',
    '{"idempotencyKey":"a","session":{"__proto__":{}}}',
    '{"idempotencyKey":"a","session":{"kayle":{"__proto__":{}}}}',
    '{"idempotencyKey":["a"],"session":{"kayle":{}}}',
    '{"idempotencyKey":"a","session":{"kayle":[]},"a":1}',
    '{"__proto__":{"idempotencyKey":"a","session":{"kayle":{}}}}',
  ].map((value): Row => [`input: ${value}`, variables(CREATE, `{"input":${value}}`)]),
]

const MISSING: Row[] = same([
  '{ session(by: { id: "" }) { id } }',
  '{ session(by: { id: "nobody" }) { id } }',
  '{ session(by: { id: "../../etc/passwd" }) { id } }',
  '{ session(by: { id: "U2Vzc2lvbjon" }) { id } }',
  '{ customer(by: { id: "\' OR 1=1 --" }) { id } }',
  '{ applicant(by: { id: "🏃" }) { id } }',
  '{ session(by: { id: "\\uD83D\\uDE00" }) { id } }',
  `{ session(by: { id: "${'x'.repeat(100_000)}" }) { id } }`,
])
const CURSORS: Row[] = same(['', 'x', '🏃', '../..', 'eyJhIjoxfQ', 'x'.repeat(50_000), "' OR 1=1"]).map(
  ([name, value]) => [`after: ${name}`, `{ sessions(after: ${JSON.stringify(value)}) { totalCount } }`],
)
const PAGES: Row[] = same([
  'first: -1',
  'first: 101',
  'last: -1',
  'last: 101',
  'first: 1, last: 1',
  'first: 2147483647',
  'first: -2147483648',
]).map(([name, value]) => [name, `{ sessions(${value}) { nodes { id } } }`])

/** All of them, a row each. */
export const BAD_REQUESTS: readonly BadRequest[] = [
  ...rows('media type', 415, 'UNSUPPORTED_MEDIA_TYPE', MEDIA_TYPES, type => ({
    headers: { ...KEY, 'content-type': type },
    body: HONEST,
  })),
  ...rows('no media type', 415, 'UNSUPPORTED_MEDIA_TYPE', [['none', HONEST]], body => ({ headers: KEY, body })),
  ...rows('content encoding', 415, 'UNSUPPORTED_MEDIA_TYPE', ENCODINGS, encoding => ({
    headers: { ...KEY, ...JSON_TYPE, 'content-encoding': encoding },
    body: HONEST,
  })),
  ...rows('multipart', 415, 'UNSUPPORTED_MEDIA_TYPE', MULTIPART, body => ({
    headers: { ...KEY, 'content-type': 'multipart/form-data; boundary=x' },
    body,
  })),
  ...rows(
    'form',
    415,
    'UNSUPPORTED_MEDIA_TYPE',
    same(['query=%7B__typename%7D', 'query=mutation', '', '&&&', '%', '='.repeat(1_000)]),
    body => ({ headers: { ...KEY, 'content-type': 'application/x-www-form-urlencoded' }, body }),
  ),
  ...rows('method', 405, 'METHOD_NOT_ALLOWED', METHODS, method => ({ ...posted(HONEST), method })),
  ...rows(
    'too long',
    413,
    'PAYLOAD_TOO_LARGE',
    [
      ['by one byte', HONEST.padEnd(256 * 1024 + 1)],
      ['by far', HONEST.padEnd(3_000_000)],
    ],
    posted,
  ),
  ...rows('body', 400, 'BAD_REQUEST', NO_JSON, posted),
  ...NO_UTF8.map(
    ([name, bytes]): BadRequest => ({
      group: 'not UTF-8',
      name,
      status: 400,
      code: 'BAD_REQUEST',
      ...posted(Buffer.concat([Buffer.from('{"query":"{ __typename #'), Buffer.from(bytes), Buffer.from('\\n}"}')])),
    }),
  ),
  ...rows('shape', 400, 'BAD_REQUEST', SHAPES, posted),
  ...rows('syntax', 400, 'GRAPHQL_PARSE_FAILED', UNPARSEABLE, asked),
  ...rows('validity', 400, 'GRAPHQL_VALIDATION_FAILED', INVALID, asked),
  ...rows(
    'which operation',
    400,
    'BAD_REQUEST',
    same([
      'query A { __typename } query A { __typename }',
      'query A { __typename } { __typename }',
      'fragment A on Query { __typename }',
      'type A { a: Int }',
    ]),
    asked,
  ),
  ...rows('complexity', 400, 'QUERY_TOO_COMPLEX', COMPLEX, asked),
  ...rows('variables', 400, 'BAD_REQUEST', MISFITS, posted),
  ...rows(
    'GET',
    400,
    'BAD_REQUEST',
    GETS.filter(([name]) => name !== 'query=%7B'),
    got,
  ),
  ...rows('GET of what is no GraphQL', 400, 'GRAPHQL_PARSE_FAILED', [['query=%7B', 'query=%7B']], got),
  ...rows(
    'GET of a mutation',
    405,
    'METHOD_NOT_ALLOWED',
    same([
      'mutation { __typename }',
      'mutation A { __typename } query B { __typename }',
      'mutation { cancelSession(input: { id: "a" }) { __typename } }',
    ]),
    query => got(`query=${encodeURIComponent(query)}&operationName=${query.includes(' A ') ? 'A' : ''}`),
  ),
  ...rows(
    'GET without a preflight',
    400,
    'BAD_REQUEST',
    same(['query={__typename}', '', 'query=mutation']),
    search => ({ method: 'GET', path: `/graphql?${search}`, headers: KEY }),
  ),
  ...rows(
    'document id',
    400,
    'DOCUMENT_NOT_TRUSTED',
    same(['', 'a', '__proto__', '0'.repeat(64), '../../etc/passwd', 'x'.repeat(100_000)]),
    id => posted(JSON.stringify({ documentId: id })),
  ),
  ...rows(
    'accept',
    406,
    'BAD_REQUEST',
    same(['text/plain', 'image/png', 'application/xml', 'x', 'application/json;charset=utf-16', '/', ';']),
    accept => ({ headers: { ...KEY, ...JSON_TYPE, accept }, body: HONEST }),
  ),
  ...rows('key', 401, 'UNAUTHENTICATED', AUTHORIZATIONS, authorization => ({
    headers: { ...JSON_TYPE, authorization },
    body: HONEST,
  })),
  ...rows(
    'no key',
    401,
    'UNAUTHENTICATED',
    [
      ['none', HONEST],
      ['none, and junk', '\xff{['],
    ],
    body => ({ headers: JSON_TYPE, body }),
  ),
  ...rows('record', 200, 'NOT_FOUND', MISSING, asked),
  ...rows('cursor', 200, 'CURSOR_INVALID', CURSORS, asked),
  ...rows('page', 200, 'INVALID_INPUT', PAGES, asked),
]
