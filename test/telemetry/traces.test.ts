import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { makeRecord, READS } from '../harness/clients/reads.ts'
import { collectLog } from '../harness/log-lines.ts'
import { until } from '../harness/waiting.ts'

/** Traces, as an OpenTelemetry collector receives them. */

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly status: { readonly code?: number }
}

/** Generated from the .proto files of OTLP. */
const PROTO = createRequire(import.meta.url)('@opentelemetry/otlp-transformer/build/src/generated/root.js')
const { ExportTraceServiceRequest } = PROTO.opentelemetry.proto.collector.trace.v1

/** Without what the JSON mapping may leave out or write in two ways, and without `flags`, which is newer than these files. */
function toCanonical(body: string): unknown {
  return JSON.parse(body, (key, value) => {
    if (key === 'flags' || (Array.isArray(value) && value.length === 0)) return undefined
    return key === 'intValue' ? String(value) : value
  })
}

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT_ID = '00f067aa0ba902b7'
const KAYLE = READS[0] as (typeof READS)[number]
const log = collectLog()

let app: TestApp
let collector: Server
let received: { path: string; headers: IncomingHttpHeaders; body: string }[] = []

beforeAll(async () => {
  collector = createServer(async (request, response) => {
    received.push({ path: request.url ?? '', headers: request.headers, body: await text(request) })
    response.end('{}')
  })
  await new Promise<void>(resolve => collector.listen(0, '127.0.0.1', resolve))
  app = await startApp(
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=of-the-test',
      LOG_LEVEL: 'info',
    },
    { jobs: false, logTo: log },
  )
})
afterAll(async () => {
  await app.close()
  await new Promise(resolve => collector.close(resolve))
})
beforeEach(() => {
  received = []
})

function post(query: string, headers: Record<string, string> = {}, variables?: object) {
  return app.app.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}`, ...headers },
    body: JSON.stringify({ query, variables }),
  })
}

function spans(): Span[] {
  return received.flatMap(({ body }) => JSON.parse(body).resourceSpans[0].scopeSpans[0].spans)
}

/** The spans of a trace, after that of its operation arrived. */
async function spansOf(traceId: string): Promise<Span[]> {
  const ofTrace = () => spans().filter(span => span.traceId === traceId)
  await until(() => ofTrace().some(({ kind }) => kind === 2))
  return ofTrace()
}

const readNow = (id: string) => `{ session(by: { id: "${id}" }, freshness: { maxAgeSeconds: 0 }) { id status } }`

test('the trace of a caller continues through operation and resolver to the request to the provider', async () => {
  const { id } = await makeRecord(app, KAYLE)
  await app.sandbox('KAYLE').forget()
  await post(readNow(id), { traceparent: `00-${TRACE_ID}-${PARENT_ID}-01` })
  const [operation, ...others] = (await spansOf(TRACE_ID)).sort((a, b) => (a.kind === 2 ? -1 : b.kind === 2 ? 1 : 0))
  const resolver = others.find(({ name }) => name === 'Query.session')
  const call = others.find(({ name }) => name === 'KAYLE getSession')
  expect(others).toHaveLength(2)
  expect(operation).toMatchObject({ name: 'query other', parentSpanId: PARENT_ID, status: { code: 0 } })
  expect(resolver).toMatchObject({ parentSpanId: operation?.spanId, kind: 1 })
  expect(call).toMatchObject({ parentSpanId: resolver?.spanId, kind: 3 })
  expect(BigInt(call?.endTimeUnixNano ?? 0)).toBeGreaterThan(BigInt(call?.startTimeUnixNano ?? 0))
  const [request] = await app.sandbox('KAYLE').requests()
  expect(request?.headers.traceparent).toBe(`00-${TRACE_ID}-${call?.spanId}-01`)
  expect(received[0]).toMatchObject({ path: '/v1/traces', headers: { 'x-collector-key': 'of-the-test' } })
})

test('a request that fails at the provider is a failed span', async () => {
  const { id } = await makeRecord(app, KAYLE)
  await app.sandbox('KAYLE').faults([{ method: 'GET', times: 1, fault: { kind: 'status', status: 503 } }])
  const traceId = TRACE_ID.replace('4', '5')
  await post(readNow(id), { traceparent: `00-${traceId}-${PARENT_ID}-01` })
  await app.sandbox('KAYLE').clearFaults()
  const calls = (await spansOf(traceId)).filter(({ kind }) => kind === 3)
  expect(calls.map(({ status }) => status.code ?? 0).sort()).toEqual([0, 2])
})

test('a caller can switch off sampling, and an invalid traceparent starts a new trace', async () => {
  await post('{ sessions { totalCount } }', { traceparent: `00-${TRACE_ID}-${PARENT_ID}-00` })
  await post('{ sessions { totalCount } }', { traceparent: 'no-trace@example.com' })
  await until(() => spans().some(({ kind }) => kind === 2))
  expect(spans().filter(({ traceId }) => traceId === TRACE_ID)).toEqual([])
  expect(spans().every(({ parentSpanId, kind }) => kind !== 2 || parentSpanId === undefined)).toBe(true)
})

test('no personal data is in a span', async () => {
  const canaries = ['canary@example.com', 'canary-token-0123', 'Canaria']
  const [email, token, name] = canaries
  const input = {
    idempotencyKey: token,
    externalId: token,
    applicant: { personr: { email, phone: '+46700000000', flowName: 'KYC basic', firstName: name } },
  }
  await post(
    `mutation ${name}($input: CreateApplicantInput!) { createApplicant(input: $input) { __typename } }`,
    {},
    { input },
  )
  await until(() => spans().some(span => span.name === 'PERSONR createApplicant'))
  await until(() => spans().some(({ kind }) => kind === 2))
  for (const canary of canaries) expect(JSON.stringify(received)).not.toContain(canary)
})

test('what a collector receives is an export request of the OTLP schema, without an unknown field', async () => {
  const { id } = await makeRecord(app, KAYLE)
  await app.sandbox('KAYLE').faults([{ method: 'GET', times: 1, fault: { kind: 'status', status: 503 } }])
  await post(readNow(id))
  await app.sandbox('KAYLE').clearFaults()
  await until(() => spans().some(({ kind }) => kind === 2))
  expect(received.length).toBeGreaterThan(0)
  for (const { headers, body } of received) {
    expect(headers['content-type']).toBe('application/json')
    const sent = toCanonical(body)
    const message = ExportTraceServiceRequest.fromObject(sent)
    expect(ExportTraceServiceRequest.verify(message)).toBeNull()
    // A field that the schema does not have, or that has another type, does not survive.
    expect(ExportTraceServiceRequest.toObject(message, { bytes: String, longs: String })).toEqual(sent)
  }
  for (const { traceId, spanId, startTimeUnixNano } of spans()) {
    expect(traceId).toMatch(/^[0-9a-f]{32}$/)
    expect(spanId).toMatch(/^[0-9a-f]{16}$/)
    expect(startTimeUnixNano).toMatch(/^\d{19}$/)
  }
})

test('an unavailable collector causes one warning and affects no response', async () => {
  const lines = collectLog()
  const alone = await startApp(
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', LOG_LEVEL: 'warn' },
    { jobs: false, logTo: lines },
  )
  for (let n = 0; n < 600; n++) expect((await alone.execute('{ __typename }')).errors).toEqual([])
  await alone.close()
  expect(lines.lines('traces could not be sent')).toHaveLength(1)
})
