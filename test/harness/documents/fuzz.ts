import type { RawRequest } from '../clients/raw-client.ts'
import { KEY } from './bad-requests.ts'
import { SAMPLE_OPERATIONS } from './sample-operations.ts'

/** Seeded random numbers between 0 and 1. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A mutated valid request. */
export function mutatedRequest(random: () => number): RawRequest {
  const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)] as T
  const operation = pick(SAMPLE_OPERATIONS)
  const headers = { ...KEY, 'content-type': 'application/json', accept: pick(ACCEPTS) }
  const kind = random()
  if (kind < 0.35)
    return { headers, body: JSON.stringify({ ...operation, query: mutateDocument(operation.query, random) }) }
  if (kind < 0.6) return { headers, body: JSON.stringify(mutateValue({ ...operation }, random)) }
  if (kind < 0.85) return { headers, body: mutateBytes(Buffer.from(JSON.stringify(operation)), random) }
  if (kind < 0.95) {
    const search = mutateBytes(Buffer.from(new URLSearchParams({ query: operation.query }).toString()), random)
    const path = `/graphql?${search.toString('latin1').replace(/[^\x21-\x7e]/g, escape)}`
    return { method: 'GET', path, headers: { ...KEY, accept: pick(ACCEPTS), 'graphql-require-preflight': '1' } }
  }
  const name = pick([
    'accept',
    'authorization',
    'content-type',
    'content-encoding',
    'last-event-id',
    'origin',
    'host',
    'x-request-id',
    'traceparent',
  ])
  return { headers: { ...headers, [name]: pick(HEADER_VALUES) }, body: JSON.stringify(operation) }
}

/** A valid request as bytes, corrupted in some places. */
export function mutatedBytes(random: () => number): Buffer {
  const body = JSON.stringify(SAMPLE_OPERATIONS[0])
  const head = [
    'POST /graphql HTTP/1.1',
    'host: localhost',
    `authorization: ${KEY.authorization}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
  ]
  return mutateBytes(Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`), random)
}

const ACCEPTS = [
  '*/*',
  'application/json',
  'application/graphql-response+json',
  'application/graphql-response+json, application/json;q=0.9',
]
const HEADER_VALUES = [
  '',
  ' ',
  'x',
  '*/*',
  'null',
  '-1',
  '%00',
  '../../..',
  'Bearer x',
  'text/html',
  'text/event-stream',
  'multipart/mixed',
  'application/json;charset=x',
  'gzip',
  'http://localhost:1',
  '[::',
  'a b',
  'é',
  '0'.repeat(4_000),
]
const ODD: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  '',
  'x',
  '🏃',
  '\ud800',
  '%00',
  '__proto__',
  'x'.repeat(5_000),
  [],
  {},
  [[]],
  { a: { b: [1] } },
  Array(200).fill('x'),
]

/** Duplicates, drops, swaps or replaces tokens of a document. */
function mutateDocument(text: string, random: () => number): string {
  const tokens = text.match(/\w+|\S/g) ?? []
  const at = () => Math.floor(random() * tokens.length)
  for (let count = 1 + Math.floor(random() * 4); count > 0; count--) {
    const kind = Math.floor(random() * 5)
    if (kind === 0) tokens.splice(at(), 1)
    else if (kind === 1) tokens.splice(at(), 0, tokens[at()] ?? '')
    else if (kind === 2) tokens[at()] = tokens[at()] ?? ''
    else if (kind === 3)
      tokens[at()] =
        ['@defer', '@include(if: true)', '...', '__schema', '"', '"""', '$x', '-1', '1e400', '[', '{', 'on', 'null'][
          Math.floor(random() * 13)
        ] ?? ''
    else tokens.splice(at(), 0, ...tokens.slice(at(), at()))
  }
  return tokens.join(' ')
}

/** Replaces one inner value by an unusual one, or renames one key. */
function mutateValue(value: unknown, random: () => number): unknown {
  const odd = () => ODD[Math.floor(random() * ODD.length)]
  if (typeof value !== 'object' || value === null || random() < 0.2) return odd()
  const entries = Object.entries(value)
  const chosen = Math.floor(random() * entries.length)
  const renamed = random() < 0.1
  const changed = entries.map(([key, inner], index): [string, unknown] => {
    if (index !== chosen) return [key, inner]
    return renamed
      ? [['__proto__', 'constructor', '', `${key}x`][Math.floor(random() * 4)] ?? '', inner]
      : [key, mutateValue(inner, random)]
  })
  return Array.isArray(value) ? changed.map(([, inner]) => inner) : Object.fromEntries(changed)
}

/** Changes, drops, inserts, duplicates or truncates bytes. */
function mutateBytes(bytes: Buffer, random: () => number): Buffer {
  let mutated = bytes
  for (let count = 1 + Math.floor(random() * 5); count > 0; count--) {
    const at = Math.floor(random() * mutated.length)
    const [before, after] = [mutated.subarray(0, at), mutated.subarray(at)]
    const kind = Math.floor(random() * 5)
    const byte = Buffer.from([Math.floor(random() * 256)])
    if (kind === 0) mutated = Buffer.concat([before, byte, after.subarray(1)])
    else if (kind === 1) mutated = Buffer.concat([before, after.subarray(1)])
    else if (kind === 2) mutated = Buffer.concat([before, byte, after])
    else if (kind === 3) mutated = Buffer.concat([before, after.subarray(0, 20), after])
    else if (random() < 0.2) mutated = before
  }
  return mutated
}
