import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getIntrospectionQuery } from 'graphql'
import { createSchema, createYoga } from 'graphql-yoga'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError, loadConfig } from '../../src/app/config.ts'
import { createRequestPolicy } from '../../src/app/http-policy.ts'
import { PROVIDERS } from '../../src/domain/provider.ts'
import { createCors } from '../../src/http/cors.ts'
import { createTrustedDocumentResolver } from '../../src/http/document/trusted-documents.ts'
import { useTrustedDocuments } from '../../src/http/plugins/document-plugins.ts'
import { registry } from '../../src/providers/registry.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { collectLog } from '../harness/log-lines.ts'

const PRODUCTION = { NODE_ENV: 'production', ENCRYPTION_KEY: 'ab'.repeat(32) }
const modules = Object.values(registry)

function problemsOf(env: NodeJS.ProcessEnv): string[] {
  try {
    loadConfig(env, modules)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message
      .split('\n')
      .slice(1)
      .map(line => line.trim().split(':')[0] ?? '')
  }
}

async function send(app: TestApp, init: RequestInit & { headers?: Record<string, string> }, path = '/graphql') {
  const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json', ...init.headers }
  const response = await app.app.fetch(`http://localhost${path}`, { ...init, headers })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
const post = (app: TestApp, body: object, headers: Record<string, string> = {}) =>
  send(app, { method: 'POST', body: JSON.stringify(body), headers })

describe('production', () => {
  test('does not start with development settings, and reports all problems at once', () => {
    const output = problemsOf({
      NODE_ENV: 'production',
      DEV_API_KEY: 'a-key-of-my-own-making',
      SANDBOX: 'on',
      PORT: 'eighty',
    })
    expect(output.sort()).toEqual(['DEV_API_KEY', 'ENCRYPTION_KEY', 'PORT', 'SANDBOX'])
    expect(problemsOf({ NODE_ENV: 'production' })).toEqual(['ENCRYPTION_KEY'])
    expect(problemsOf({ NODE_ENV: 'prod' })).toEqual(['NODE_ENV'])
    expect(problemsOf(PRODUCTION)).toEqual([])
    expect(problemsOf({ ...PRODUCTION, HOST: '0.0.0.0' })).toEqual([])
  })

  test('runs no sandbox, accepts no development key and serves no GraphiQL', async () => {
    const app = await startApp({ ...PRODUCTION, DEV_API_KEY: '' })
    try {
      expect(app.sandboxes).toEqual([])
      for (const key of [API_KEY, 'sg_dev_key_for_this_machine', '']) {
        const { status } = await post(app, { query: '{ __typename }' }, { authorization: `Bearer ${key}` })
        expect(status).toBe(401)
      }
      const { status, text } = await send(app, { headers: { accept: 'text/html' } })
      expect(status).toBe(401)
      expect(text).not.toContain('GraphiQL')
    } finally {
      await app.close()
    }
  })
})

describe('a development feature', () => {
  let shown: TestApp
  let hidden: TestApp
  beforeAll(async () => {
    const off = { GRAPHIQL: 'off', INTROSPECTION: 'off', SUGGESTIONS: 'off' }
    ;[shown, hidden] = await Promise.all([startApp(), startApp(off)])
  })
  afterAll(async () => {
    await Promise.all([shown.close(), hidden.close()])
  })

  test('(introspection) can be switched off', async () => {
    for (const query of [getIntrospectionQuery(), '{ __type(name: "Session") { name } }']) {
      expect((await shown.execute(query)).errors).toEqual([])
      const { data, errors } = await hidden.execute(query)
      expect(data).toBeUndefined()
      expect(errors[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED')
    }
    expect((await hidden.execute('{ __typename providers { __typename } }')).errors).toEqual([])
  })

  test.each([
    ['a field', '{ provider }', {}],
    ['an argument', '{ sessions(frist: 1) { totalCount } }', {}],
    ['a type', 'query ($a: SessionLookups!) { session(by: $a) { id } }', {}],
    ['an enum value', '{ sessions(orderBy: CREATED_AT) { totalCount } }', {}],
    [
      'a field of a variable',
      'query ($f: SessionFilter) { sessions(filter: $f) { totalCount } }',
      { f: { statuss: [] } },
    ],
    ['a fragment', '{ ... on Sesion { id } }', {}],
  ])('(suggestions of %s) can be switched off', async (_what, query, variables) => {
    const text = async (app: TestApp) =>
      (await app.execute(query, variables)).errors.map(({ message }) => message).join()
    expect(await text(shown)).toContain('Did you mean')
    expect(await text(hidden)).not.toContain('Did you mean')
    expect(await text(hidden)).not.toBe('')
  })

  test('(GraphiQL) can be switched off', async () => {
    const requests = { headers: { accept: 'text/html', 'graphql-require-preflight': '1' } }
    expect((await send(shown, requests)).text).toContain('YogaGraphiQL')
    const { status, text } = await send(hidden, requests, '/graphql?query={__typename}')
    expect(status).toBe(406)
    expect(JSON.parse(text)).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] })
  })
})

describe('CORS', () => {
  const ORIGIN = 'https://app.example.com'
  const preflight = (origin: string) => ({
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
  })
  let open: TestApp
  let shut: TestApp
  beforeAll(async () => {
    ;[open, shut] = await Promise.all([startApp({ CORS_ORIGINS: `${ORIGIN}, http://localhost:3000` }), startApp()])
  })
  afterAll(async () => {
    await Promise.all([open.close(), shut.close()])
  })

  test('answers a preflight request of a listed origin before authentication', async () => {
    const { status, headers, text } = await send(open, {
      ...preflight(ORIGIN),
      headers: { ...preflight(ORIGIN).headers, authorization: '' },
    })
    expect([status, text]).toEqual([204, ''])
    expect(headers.get('access-control-allow-origin')).toBe(ORIGIN)
    expect(headers.get('access-control-allow-methods')).toBe('GET, POST')
    for (const name of ['authorization', 'content-type', 'last-event-id', 'graphql-require-preflight']) {
      expect(headers.get('access-control-allow-headers')).toContain(name)
    }
    expect(headers.get('access-control-allow-credentials')).toBeNull()
    expect(headers.get('vary')).toBe('Origin')
  })

  test.each(['{ __typename }', '{', '{ nothing }'])(
    'lets a listed origin read the response to %s, and an error response',
    async query => {
      const { headers } = await post(open, { query }, { origin: ORIGIN })
      expect(headers.get('access-control-allow-origin')).toBe(ORIGIN)
      const refused = await post(open, { query }, { origin: ORIGIN, authorization: 'Bearer x' })
      expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, ORIGIN])
    },
  )

  test.each([
    ['http://localhost:5173', true],
    ['https://127.0.0.1', true],
    ['http://127.0.0.2:8080', true],
    ['http://[::1]:3000', true],
    // Some browsers look up this name by DNS.
    ['http://app.localhost:5173', false],
    ['http://localhost.example.com', false],
    ['http://localhost@example.com', false],
    ['http://example.com#localhost', false],
    ['file://localhost', false],
    ['null', false],
  ])('on a development server, %s may read responses: %s', async (origin, isAllowed) => {
    const { headers } = await post(shut, { query: '{ __typename }' }, { origin })
    expect(headers.get('access-control-allow-origin')).toBe(isAllowed ? origin : null)
  })

  test('lets a listed origin read a stream', async () => {
    const query = 'subscription { sessionsUpdated { cursor } }'
    const answer = await fetch(open.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${API_KEY}`,
        'content-type': 'application/json',
        accept: 'text/event-stream',
        origin: ORIGIN,
      },
      body: JSON.stringify({ query }),
    })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, ORIGIN])
    expect(answer.headers.get('cache-control')).toContain('no-transform')
    await answer.body?.cancel()
  })

  test.each(['https://evil.example', 'null', `${ORIGIN}.evil.example`, 'http://app.example.com', `${ORIGIN}:444`, ''])(
    'lets no page of %s read a response',
    async origin => {
      for (const app of [open, shut]) {
        for (const init of [
          preflight(origin),
          { method: 'POST', body: '{"query":"{ __typename }"}', headers: { origin } },
        ]) {
          const { headers } = await send(app, init)
          expect(headers.get('access-control-allow-origin')).toBeNull()
          expect(headers.get('access-control-allow-methods')).toBeNull()
        }
      }
      expect((await send(shut, preflight(ORIGIN))).headers.get('access-control-allow-origin')).toBeNull()
      expect((await send(shut, preflight(ORIGIN))).status).toBe(405)
    },
  )

  test.each([
    '*',
    'app.example.com',
    'https://app.example.com/',
    'javascript:alert(1)',
    'https://a.example https://b.example',
  ])('refuses the setting %s', origins => {
    expect(problemsOf({ CORS_ORIGINS: origins })).toEqual(['CORS_ORIGINS'])
  })
})

describe('trusted documents', () => {
  const TEXT = 'query Trusted { providers { provider } }\n'
  const ID = createHash('sha256').update(TEXT).digest('hex')
  const OTHER = '{ __typename }'
  const folder = mkdtempSync(join(tmpdir(), 'trusted-'))
  const apps = new Map<string, TestApp>()
  const app = (mode: string) => apps.get(mode) as TestApp
  const persisted = (id: string) => ({ extensions: { persistedQuery: { version: 1, sha256Hash: id } } })

  beforeAll(async () => {
    writeFileSync(join(folder, 'trusted.graphql'), TEXT)
    writeFileSync(join(folder, 'notes.txt'), OTHER)
    for (const mode of ['off', 'warn', 'enforce']) {
      apps.set(mode, await startApp({ TRUSTED_DOCUMENTS: mode, TRUSTED_DOCUMENTS_DIR: folder }))
    }
  })
  afterAll(async () => {
    rmSync(folder, { recursive: true })
    await Promise.all([...apps.values()].map(each => each.close()))
  })

  test.each(['warn', 'enforce'])('(%s) are executed by their text and by their id, over GET and POST', async mode => {
    for (const body of [
      { query: TEXT },
      { documentId: ID },
      { documentId: `sha256:${ID}` },
      persisted(ID),
      { query: TEXT, ...persisted(ID) },
    ]) {
      const { status, text } = await post(app(mode), body)
      expect(status).toBe(200)
      expect(JSON.parse(text).data.providers).toHaveLength(PROVIDERS.length)
    }
    const path = `/graphql?documentId=${ID}`
    expect((await send(app(mode), { method: 'GET', headers: { 'graphql-require-preflight': '1' } }, path)).status).toBe(
      200,
    )
  })

  test('(enforce) are the only documents executed, and an unknown one is not registered', async () => {
    const hash = createHash('sha256').update(OTHER).digest('hex')
    for (const body of [
      { query: OTHER },
      { query: ` ${TEXT}` },
      { query: OTHER, ...persisted(hash) },
      { documentId: hash },
      persisted(hash),
      { query: getIntrospectionQuery() },
    ]) {
      const { status, text } = await post(app('enforce'), body)
      expect([status, JSON.parse(text).errors[0].extensions.code]).toEqual([400, 'DOCUMENT_NOT_TRUSTED'])
    }
  })

  test('(warn, off) are not the only documents executed, and an unknown one is not registered', async () => {
    const hash = createHash('sha256').update(OTHER).digest('hex')
    for (const mode of ['warn', 'off']) {
      expect((await post(app(mode), { query: OTHER, ...persisted(hash) })).status).toBe(200)
      const named = await post(app(mode), { documentId: hash })
      expect([named.status, JSON.parse(named.text).errors[0].extensions.code]).toEqual([400, 'DOCUMENT_NOT_TRUSTED'])
      const { status, text } = await post(app(mode), persisted(hash))
      expect([status, JSON.parse(text).errors[0]]).toMatchObject([
        200,
        { message: 'PersistedQueryNotSupported', extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } },
      ])
    }
  })

  test('(warn, enforce) are refused if the id belongs to another text', async () => {
    for (const mode of ['warn', 'enforce']) {
      const { status, text } = await post(app(mode), { query: OTHER, documentId: ID })
      expect([status, JSON.parse(text).errors[0].extensions.code]).toEqual([400, 'BAD_REQUEST'])
    }
  })

  test('(warn) log the id of each unregistered document, and of no other', async () => {
    const output = collectLog()
    const { server: settings } = loadConfig({ TRUSTED_DOCUMENTS: 'warn', TRUSTED_DOCUMENTS_DIR: folder }, modules)
    const { trusted } = createRequestPolicy(settings, {
      log: createLog('warn', output),
      rateLimiter: { consume: async () => 0 },
      cors: createCors({ origins: [], allowsLoopback: false, headers: [] }),
    })
    const yoga = createYoga({
      schema: createSchema({ typeDefs: 'type Query { a: Int }' }),
      plugins: [useTrustedDocuments(createTrustedDocumentResolver(trusted), trusted.warn)],
    })
    for (const query of [TEXT, OTHER]) {
      const body = JSON.stringify({ query })
      await yoga.fetch('http://localhost/graphql', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      })
    }
    expect(output.lines('executed an unregistered document').map(({ documentId }) => documentId)).toEqual([
      createHash('sha256').update(OTHER).digest('hex'),
    ])
  })

  test('are the examples if no folder is set', async () => {
    const examples = await startApp({ TRUSTED_DOCUMENTS: 'enforce' })
    const { loadDocuments: readExamples } = await import('../../src/app/documents.ts')
    const providers = readExamples().find(({ query }) => query.includes('providers {'))?.query ?? ''
    expect((await examples.execute(providers)).errors).toEqual([])
    expect((await examples.execute(OTHER)).errors[0]?.extensions.code).toBe('DOCUMENT_NOT_TRUSTED')
    await examples.close()
  })
})

describe('every response', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp()
  })
  afterAll(() => app.close())

  test.each([
    ['data', {}, '/graphql'],
    ['a refusal', { authorization: 'Bearer x' }, '/graphql'],
    ['another address', {}, '/nowhere'],
    ['the redirect to GraphiQL', {}, '/'],
    ['whether we live', {}, '/livez'],
  ])('(%s) is not cached, and its media type is not sniffed', async (_what, headers, path) => {
    const init = path === '/graphql' ? { method: 'POST', body: '{"query":"{ __typename }"}', headers } : { headers }
    const answer = await send(app, init, path)
    expect(answer.headers.get('cache-control')).toContain('no-store')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
    expect(answer.headers.get('server')).toBeNull()
    expect(answer.headers.get('x-powered-by')).toBeNull()
  })

  test('(GraphiQL) allows its own script only, and no framing', async () => {
    const { headers, text } = await send(app, { headers: { accept: 'text/html' } })
    const policy = headers.get('content-security-policy') ?? ''
    const [script = ''] = [/<script>([\s\S]*?)<\/script/.exec(text)?.[1]]
    expect(policy).toContain(`script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`)
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe-eval|\*|https?:/)
    expect(headers.get('x-frame-options')).toBe('DENY')
  })
})
