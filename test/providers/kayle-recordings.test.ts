import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import type { ProviderClient } from '../../src/providers/contract.ts'
import { kayle } from '../../src/providers/kayle/index.ts'
import { DISABLED_KEY, READ_ONLY_KEY, sandbox } from '../../src/providers/kayle/sandbox.ts'
import { random } from '../../src/sandbox/random.ts'
import { type RunningSandbox, startSandbox } from '../../src/sandbox/server.ts'
import { type MockedProvider, mockProvider } from '../harness/providers/mock-provider.ts'
import { type Recording, readRecordings } from '../harness/providers/recordings.ts'

/** Calls that manage webhooks: neither our client nor the sandbox has them. */
const SKIPPED = [
  '64-webhook-endpoints-list',
  '65-webhook-endpoint-create-http-public',
  '66-webhook-endpoint-create-private-ip',
  '67-webhook-keys-list',
  '68-webhook-key-ec-refused',
  '84-deliveries-list',
  '85-events-list',
  '86-event-get',
  '87-event-replay',
  '88-webhook-endpoint-patch-to-500',
  '91-deliveries-list-pending',
  '92-webhook-endpoint-patch-back',
]

const recordings = readRecordings('kayle').filter(({ file }) => !SKIPPED.includes(file))
const cases = recordings.map(recording => [recording.file, recording] as const)

describe('our client parses the recorded responses of the real server', () => {
  it.each(cases)('%s', async (_, recording) => {
    const mocked = await mockProvider(kayle, {}, () => recording.answer)
    const result = await call(mocked, recording).catch((error: unknown) => ({ error }))

    const expected = expectedError(recording)
    if (expected) expect(result).toMatchObject({ error: expected })
    else expect(result).not.toHaveProperty('error')
    expect(mocked.drifts()).toEqual([])
  })
})

/** The client method for such a response; the public routes have none. */
async function call({ client, upstream }: MockedProvider, { request }: Recording): Promise<unknown> {
  const method = methodOf(request)
  if (method) return { value: await invoke[method](client) }
  const path = request.path
  return {
    value: await upstream.call({ operation: 'public', kind: 'WRITE', method: 'POST', path, schema: z.unknown() }),
  }
}

type Method = keyof typeof invoke

const invoke = {
  createSession: (client: ProviderClient) =>
    client.createSession?.({}, { reference: 'reference', idempotencyKey: 'key' }),
  getSession: (client: ProviderClient) => client.getSession?.({ providerId: 'vs_asked' }, {}),
  listSessions: (client: ProviderClient) => client.listSessions?.({}, {}),
  cancelSession: (client: ProviderClient) => client.cancelSession?.({ providerId: 'vs_asked' }, {}),
  listAttempts: (client: ProviderClient) => client.listAttempts?.({ providerId: 'vs_asked' }, {}),
}

function methodOf({ method, path }: Recording['request']): Method | undefined {
  if (path.startsWith('/v1/verify/')) return undefined
  if (path.endsWith('/cancel')) return 'cancelSession'
  if (path.startsWith('/v1/sessions/attempts/')) return 'listAttempts'
  if (!/^\/v1\/sessions(\?|$)/.test(path)) return 'getSession'
  return method === 'POST' ? 'createSession' : 'listSessions'
}

function expectedError({ request, answer: { status, body } }: Recording): object | undefined {
  if (status < 300) return undefined
  const error = body.startsWith('{') ? JSON.parse(body).error : {}
  const at = { provider: 'KAYLE', providerCode: error.code ?? error.name ?? null }
  if (status === 401 || status === 403) return { code: 'PROVIDER_AUTH_FAILED', ...at }
  const isUnknown = status === 404 || /"path": \[\s*"id"/.test(error.message ?? '')
  if (isUnknown && methodOf(request) !== 'createSession') return { code: 'NOT_FOUND', ...at }
  return { code: 'PROVIDER_REJECTED', ...at }
}

describe('the sandbox answers like the real server', () => {
  let running: RunningSandbox

  beforeAll(async () => {
    running = await startSandbox(sandbox, { port: 0 })
    handOutRecordedIds()
    await control('clock', { now: '2026-11-21T02:26:27.744Z' })
  })
  afterAll(async () => {
    vi.restoreAllMocks()
    await running.close()
  })

  // In sequence, because together they are one conversation.
  it.each(cases)('%s', async (_, recording) => {
    if (recording.file === '78-get-when-overdue') await control('clock', { advanceSeconds: 3600 })
    const response = await replay(running.origin, recording)
    const body = await response.text()

    expect(response.status).toBe(recording.answer.status)
    for (const name of COMPARED_HEADERS) expect([name, response.headers.get(name)]).toEqual(header(recording, name))
    expect(toComparable(body, `${running.origin}/hosted/`)).toEqual(
      toComparable(recording.answer.body, 'http://localhost:2999/'),
    )
  })

  async function control(name: string, input: object): Promise<void> {
    await fetch(`${running.origin}/_sandbox/${name}`, { method: 'POST', body: JSON.stringify(input) })
  }
})

/** The sandbox returns the recorded ids and tokens, so that later requests and the order of lists match. */
function handOutRecordedIds(): void {
  const reported = recordings.map(({ answer }) => answer.body).join('\n')
  const drawn: Record<number, string[]> = {
    64: inOrderOfUse(reported, /"(?:id|attempt_id)":"v[as]_(\w{64})"/g),
    48: inOrderOfUse(reported, /"cancel_token":"(\w{48})"/g),
  }
  vi.spyOn(random, 'lower').mockImplementation(length => {
    const next = drawn[length]?.shift()
    if (next === undefined) throw new Error(`The recordings hold no further text of ${length} characters.`)
    return next
  })
}

function inOrderOfUse(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(match => match[1] ?? ''))]
}

const KEYS: Readonly<Record<string, string>> = {
  '33-unauthorised-wrong-key': `kk_${'x'.repeat(32)}`,
  '36-unauthorised-disabled-key': DISABLED_KEY,
  '37-forbidden-read-only-key-create': READ_ONLY_KEY,
  '38-read-only-key-list': READ_ONLY_KEY,
}

function replay(origin: string, { file, request }: Recording): Promise<Response> {
  const { host: _, 'content-length': __, ...headers } = request.headers
  const key = KEYS[file] ?? sandbox.credentials.apiKey
  if (headers.authorization) headers.authorization = headers.authorization.replace('kk_<test key>', key)
  const body = request.body.replace('<2 MiB of x>', 'x'.repeat(2 * 1024 * 1024))
  return fetch(origin + request.path, { method: request.method, headers, body: body || null })
}

const COMPARED_HEADERS = [
  'access-control-allow-credentials',
  'content-security-policy',
  'content-type',
  'permissions-policy',
  'referrer-policy',
  'vary',
  'x-content-type-options',
  'x-frame-options',
]

function header({ answer }: Recording, name: string): [string, string | null] {
  return [name, answer.headers[name] ?? null]
}

/** A body without the parts that differ for each run: times, page URLs, and the keys of a handoff. */
function toComparable(body: string, pages: string): unknown {
  const text = body
    .replaceAll(/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g, '"(time)"')
    .replaceAll(pages, '(pages)/')
    .replaceAll(/"mobile_write_token":"[0-9a-f]{64}"/g, '"mobile_write_token":"(hex)"')
    .replaceAll(/"(attest_\w+)":"[\w-]{43}"/g, '"$1":"(base64url)"')
  return text.startsWith('{') ? JSON.parse(text) : text
}
