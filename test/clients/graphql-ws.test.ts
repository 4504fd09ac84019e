import { get, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, type ClientOptions, createClient } from 'graphql-ws'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type ClientOptions as SocketOptions, WebSocket } from 'ws'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { withClientToken, withDevelopmentKey, withKey } from '../harness/clients/callers.ts'
import { createRawClient } from '../harness/clients/raw-client.ts'
import { createKayleSession } from '../harness/providers/kayle-session.ts'

/** The graphql-ws client with its defaults, and the protocol graphql-transport-ws as other clients send it. */

const AUTHORIZATION = { authorization: `Bearer ${API_KEY}` }
const FOLLOW = `subscription ($id: ID!, $after: String) {
  sessionUpdated(id: $id, after: $after) { cursor event { id } session { status } }
}`
const REFRESH = 'query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { status } }'
const CANCEL = `mutation ($id: ID!) {
  cancelSession(input: { sessionId: $id }) { ... on CancelSessionPayload { session { status } } }
}`

let app: TestApp
const clients: Client[] = []
const sockets: WebSocket[] = []
beforeAll(async () => {
  app = await startApp({ BASE_PATH: '/onboarding' })
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.dispose()
  for (const socket of sockets.splice(0)) socket.terminate()
})
afterAll(() => app.close())

const urlOf = ({ url }: Pick<TestApp, 'url'>) => url.replace('http', 'ws')

function connect(options: Partial<ClientOptions> = {}, to: Pick<TestApp, 'url'> = app): Client {
  const client = createClient({ url: urlOf(to), webSocketImpl: WebSocket, connectionParams: AUTHORIZATION, ...options })
  clients.push(client)
  return client
}

async function query(client: Client, query: string, variables = {}): Promise<unknown> {
  for await (const result of client.iterate({ query, variables })) return result
  return undefined
}

/** A socket without a client library, with what it received. */
async function openSocket(options: SocketOptions = {}, protocol = 'graphql-transport-ws', path = urlOf(app)) {
  const socket = new WebSocket(path, protocol, options)
  sockets.push(socket)
  const received: Record<string, unknown>[] = []
  socket.on('message', data => received.push(JSON.parse(String(data))))
  const closed = new Promise<number>(resolve => socket.once('close', resolve))
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return { socket, received, closed, send: (message: object) => socket.send(JSON.stringify(message)) }
}

async function openInitialized(authorization = AUTHORIZATION.authorization, to = app) {
  const opened = await openSocket({}, 'graphql-transport-ws', urlOf(to))
  opened.send({ type: 'connection_init', payload: { authorization } })
  await expect.poll(() => opened.received).toEqual([{ type: 'connection_ack' }])
  opened.received.pop()
  return opened
}

interface Event {
  readonly sessionUpdated: { readonly cursor: string; readonly session: { readonly status: string } }
}

describe('the journey', () => {
  test('a query, a mutation and a stream share a connection, and the stream resumes after a cut', async () => {
    const { id, providerId, liveCursor } = await createKayleSession(app, 'ws-journey')
    const statuses: string[] = []
    let after = liveCursor
    const client = connect({ retryWait: () => sleep(10) })
    const following = follow(
      client,
      () => ({ id, after }),
      ({ sessionUpdated }) => {
        after = sessionUpdated.cursor
        statuses.push(sessionUpdated.session.status)
      },
    )
    await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_started' })
    expect(await query(client, REFRESH, { id })).toMatchObject({ data: { session: { status: 'IN_PROGRESS' } } })
    await expect.poll(() => statuses).toContain('IN_PROGRESS')
    await following.stop()
    const before = statuses.length
    expect(await query(client, CANCEL, { id })).toMatchObject({
      data: { cancelSession: { session: { status: 'CANCELED' } } },
    })
    const resumed = follow(
      client,
      () => ({ id, after }),
      ({ sessionUpdated }) => {
        statuses.push(sessionUpdated.session.status)
      },
    )
    await expect.poll(() => statuses.slice(before)).toContain('CANCELED')
    expect(statuses.slice(before)).not.toContain('IN_PROGRESS')
    await resumed.stop()
  })

  test('a path below BASE_PATH, and the key in the header of the upgrade', async () => {
    const opened = await openSocket(
      { headers: AUTHORIZATION },
      undefined,
      urlOf(app).replace('/graphql', '/onboarding/graphql'),
    )
    opened.send({ type: 'connection_init' })
    opened.send({ type: 'ping' })
    await expect.poll(() => opened.received.length).toBe(2)
    opened.send({ id: '1', type: 'subscribe', payload: { query: '{ __typename }' } })
    await expect
      .poll(() => opened.received.slice(2))
      .toEqual([
        { id: '1', type: 'next', payload: { data: { __typename: 'Query' } } },
        { id: '1', type: 'complete' },
      ])
  })

  test('@defer arrives in parts', async () => {
    const { id } = await createKayleSession(app, 'ws-defer')
    const parts: unknown[] = []
    const document = 'query ($id: ID!) { session(by: { id: $id }) { id ... @defer { status } } }'
    for await (const part of connect().iterate({ query: document, variables: { id } })) parts.push(part)
    expect(parts).toMatchObject([
      { data: { session: { id } }, hasNext: true },
      { incremental: [{ data: { status: 'CREATED' }, path: ['session'] }], hasNext: false },
    ])
  })
})

describe('is refused', () => {
  test.each([
    ['an invalid document', '{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['a text that is no document', '{', 'GRAPHQL_PARSE_FAILED'],
    [
      'a stream of an unknown session',
      'subscription { sessionUpdated(id: "U2Vzc2lvbjpub25l") { cursor } }',
      'NOT_FOUND',
    ],
  ])('%s, with an error that has a code and a request id', async (_name, document, code) => {
    const errors = await query(connect(), document).catch(errors => errors)
    expect(errors).toEqual([
      expect.objectContaining({
        message: expect.any(String),
        extensions: expect.objectContaining({ code, requestId: expect.any(String) }),
      }),
    ])
    expect(JSON.stringify(errors)).not.toContain('"http"')
  })

  test.each([
    [
      'a parameter of the wrong type',
      { query: '{ __typename }', documentId: 1 },
      'Expected "documentId" to be a string.',
    ],
    ['an unknown parameter', { query: '{ __typename }', other: 1 }, 'Expected no other keys than'],
  ])('%s', async (_name, payload, message) => {
    const { received, send } = await openInitialized()
    send({ id: '1', type: 'subscribe', payload })
    await expect.poll(() => received[0]).toMatchObject({ id: '1', type: 'error' })
    expect(JSON.stringify(received)).toContain(JSON.stringify(message).slice(1, -1))
  })

  test.each([
    ['without a key', { type: 'connection_init' }, 4403],
    ['with an unknown key', { type: 'connection_init', payload: { authorization: 'Bearer sg_live_nothing' } }, 4403],
    ['before its key', { id: '1', type: 'subscribe', payload: { query: '{ __typename }' } }, 4401],
    ['that is no message', { type: 'nothing' }, 4400],
    ['that only a server sends', { id: '1', type: 'next', payload: {} }, 4400],
  ])('a connection %s', async (_name, message, code) => {
    const { closed, send } = await openSocket()
    send(message)
    expect(await closed).toBe(code)
  })

  test('a connection that sends no key in time', async () => {
    const { closed } = await openSocket()
    expect(await closed).toBe(4408)
  })

  test('a message that is longer than a body may be, and one that is nested too deep', async () => {
    const long = await openInitialized()
    long.socket.send('x'.repeat(300 * 1024))
    expect(await long.closed).toBe(1009)
    const deep = await openInitialized()
    deep.socket.send(`{"id":"1","type":"subscribe","payload":${'['.repeat(100)}${']'.repeat(100)}}`)
    expect(await deep.closed).toBe(4400)
  })

  test.each([
    ['the page of another origin', { origin: 'https://evil.example' }, 'graphql-transport-ws', 403],
    ['another subprotocol', {}, 'graphql-ws', 400],
    [
      'an unknown key in the header',
      { headers: { authorization: 'Bearer sg_live_nothing' } },
      'graphql-transport-ws',
      401,
    ],
    ['another host', { headers: { host: 'evil.example' } }, 'graphql-transport-ws', 421],
  ])('an upgrade by %s, with JSON', async (_name, options, protocol, status) => {
    const socket = new WebSocket(urlOf(app), protocol, options)
    socket.on('error', () => {})
    const response = await new Promise<IncomingMessage>(resolve =>
      socket.once('unexpected-response', (_request, response) => resolve(response)),
    )
    expect(response.statusCode).toBe(status)
    const body = JSON.parse(Buffer.concat(await response.toArray()).toString())
    expect(body.errors[0].extensions).toMatchObject({ code: expect.any(String), requestId: expect.any(String) })
  })

  test.each([
    ['of another version', { 'sec-websocket-version': '7', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' }],
    ['without a key', { 'sec-websocket-version': '13' }],
  ])('a handshake %s, with JSON', async (_name, headers) => {
    const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-protocol': 'graphql-transport-ws' }
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(app.url, { headers: { ...upgrade, ...headers } }, resolve).on('error', reject)
    })
    expect(response.statusCode).toBe(400)
    expect(response.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'sec-websocket-version': '13',
    })
    const body = JSON.parse(Buffer.concat(await response.toArray()).toString())
    expect(body.errors[0].extensions).toMatchObject({ code: 'BAD_REQUEST', requestId: expect.any(String) })
  })

  test('more streams than a client token may have', async () => {
    const { id } = await createKayleSession(app, 'ws-streams')
    const { token } = await withClientToken(app, withDevelopmentKey(app), { externalId: 'ws-streams' })
    const { received, send } = await openInitialized(`Bearer ${token}`)
    for (let at = 0; at <= 20; at++) {
      send({ id: `${at}`, type: 'subscribe', payload: { query: FOLLOW, variables: { id } } })
    }
    await expect
      .poll(() => received)
      .toMatchObject([{ type: 'error', payload: [{ extensions: { code: 'RATE_LIMITED' } }] }])
  })

  test('what costs more than the budget, and afterwards messages that are no operation', async () => {
    const tight = await startApp({ COST_PER_MINUTE: '30' }, { jobs: false })
    // New documents are charged.
    await (await withKey(tight, { costPerMinute: 1_000 })).execute('{ __typename }')
    const { received, send, closed } = await openInitialized(undefined, tight)
    for (const id of ['1', '2', '3', '4']) send({ id, type: 'subscribe', payload: { query: '{ __typename }' } })
    await expect.poll(() => received.filter(({ type }) => type === 'next')).toHaveLength(3)
    await expect
      .poll(() => received.filter(({ type }) => type === 'error'))
      .toMatchObject([
        { id: '4', payload: [{ extensions: { code: 'RATE_LIMITED', retryAfterSeconds: expect.any(Number) } }] },
      ])
    send({ type: 'ping' })
    expect(await closed).toBe(1013)
    await tight.close()
  })
})

describe('long messages', () => {
  const long = { type: 'ping', payload: { text: 'x'.repeat(40_000) } }

  test('are refused before the key, and so are many short ones', async () => {
    const [one, many] = [await openSocket(), await openSocket()]
    one.send(long)
    expect(await one.closed).toBe(4401)
    for (let count = 0; count < 11; count++) many.send({ type: 'ping' })
    expect(await many.closed).toBe(4401)
    expect(one.received).toEqual([])
  })

  test('cost as much as a body, and are not parsed once the budget is spent', async () => {
    const tight = await startApp({ COST_PER_MINUTE: '40' }, { jobs: false })
    const { received, send, closed } = await openInitialized(undefined, tight)
    send(long)
    await expect.poll(() => received).toHaveLength(1)
    send({ id: '1', type: 'subscribe', payload: { query: '{ __typename }', variables: long.payload } })
    expect(await closed).toBe(1013)
    await tight.close()
  })
})

test('pongs without end disconnect, and a few that nothing asked for do not', async () => {
  const few = await openInitialized()
  for (let count = 0; count < 20; count++) few.socket.pong()
  few.send({ type: 'ping' })
  await expect.poll(() => few.received).toEqual([{ type: 'pong' }])
  const many = await openInitialized()
  for (let count = 0; count < 1_000; count++) many.socket.pong()
  expect(await many.closed).toBe(1006)
})

test('a second operation with the id of one that runs closes the connection, however long the id is', async () => {
  const { id } = await createKayleSession(app, 'ws-same-id')
  const { closed, send } = await openInitialized()
  const subscribe = { id: 'x'.repeat(200), type: 'subscribe', payload: { query: FOLLOW, variables: { id } } }
  send(subscribe)
  send(subscribe)
  expect(await closed).toBe(4409)
})

describe('ends', () => {
  test('with the key, whether or not a stream is open', async () => {
    const key = await withKey(app)
    const { id } = await createKayleSession(app, 'ws-revoked')
    const idle = await openInitialized(`Bearer ${key.token}`)
    const streaming = await openInitialized(`Bearer ${key.token}`)
    streaming.send({ id: '1', type: 'subscribe', payload: { query: FOLLOW, variables: { id } } })
    await sleep(100)
    await app.services.keys.revoke({ tenantId: 'dev' }, key.keyId)
    const codes = await Promise.all([idle.closed, streaming.closed])
    expect(codes).toEqual([4401, 4401])
    expect(streaming.received, 'no complete: the client must not believe that all events came').toEqual([])
  })

  test('with the client token, so that the client connects with a new one', async () => {
    const maker = withDevelopmentKey(app)
    const document = `mutation { createClientToken(input: { subject: { externalId: "ws-token" }, expiresInSeconds: 60 }) {
      ... on CreateClientTokenPayload { token }
    } }`
    const { data } = await maker.execute(document)
    let now = new Date()
    const later = await startApp({}, { now: () => now, jobs: false })
    const made = await withDevelopmentKey(later).execute(document)
    expect(data.createClientToken.token).toBeTruthy()
    const { closed } = await openInitialized(`Bearer ${made.data.createClientToken.token}`, later)
    now = new Date(now.getTime() + 61_000)
    expect(await closed).toBe(4403)
    await later.close()
  })

  test('at a shutdown, without completing its streams', async () => {
    const short = await startApp({}, { jobs: false })
    const { id } = await createKayleSession(short, 'ws-shutdown')
    const { received, closed, send } = await openInitialized(undefined, short)
    send({ id: '1', type: 'subscribe', payload: { query: FOLLOW, variables: { id } } })
    await expect.poll(() => short.streams.count()).toBe(1)
    const closing = short.close()
    expect(await closed).toBe(1001)
    await closing
    expect(received).toEqual([])
  })

  test('and leaves no stream behind, however it ended', async () => {
    const { id } = await createKayleSession(app, 'ws-left')
    const { socket, send } = await openInitialized()
    for (const each of ['1', '2']) send({ id: each, type: 'subscribe', payload: { query: FOLLOW, variables: { id } } })
    await expect.poll(() => app.streams.count()).toBe(2)
    send({ id: '1', type: 'complete' })
    await expect.poll(() => app.streams.count()).toBe(1)
    socket.terminate()
    await expect.poll(() => app.streams.count()).toBe(0)
    await expect.poll(() => app.admission.inFlight).toBe(0)
  })
})

/** All frames are in one TCP segment. */
function sendAtOnce({ socket }: { readonly socket: WebSocket }, ...messages: object[]): void {
  const { _socket: connection } = socket as WebSocket & { readonly _socket?: Duplex }
  connection?.cork()
  for (const message of messages) socket.send(JSON.stringify(message))
  connection?.uncork()
}

describe('an operation that is cancelled in the same segment', () => {
  const query = '{ __typename }'
  const complete = { id: 'a', type: 'complete' }

  test('sends nothing, and its id can be used again', async () => {
    const opened = await openInitialized()
    const again = { id: 'a', type: 'subscribe', payload: { query: '{ again: __typename }' } }
    sendAtOnce(opened, { id: 'a', type: 'subscribe', payload: { query } }, complete, again)
    await expect.poll(() => opened.received.length).toBe(2)
    opened.send({ type: 'ping' })
    await expect.poll(() => opened.received.length).toBe(3)
    expect(opened.received).toEqual([
      { id: 'a', type: 'next', payload: { data: { again: 'Query' } } },
      { id: 'a', type: 'complete' },
      { type: 'pong' },
    ])
  })

  test('is charged for its message', async () => {
    const tight = await startApp({ COST_PER_MINUTE: '100' }, { jobs: false })
    const opened = await openInitialized(undefined, tight)
    const subscribe = { id: 'a', type: 'subscribe', payload: { query, variables: { text: 'x'.repeat(40_000) } } }
    sendAtOnce(opened, subscribe, complete, subscribe, complete, subscribe, complete)
    expect(await opened.closed).toBe(1013)
    expect(opened.received).toEqual([])
    await tight.close()
  })
})

describe('leaves no place behind', () => {
  const DEFERRED = '{ sessions(first: 1) { totalCount ... @defer { nodes { id } } } }'

  test('an operation that is cancelled in the same segment', async () => {
    const { id } = await createKayleSession(app, 'ws-cancelled')
    const opened = await openInitialized()
    for (let nth = 0; nth < 20; nth++) {
      const query = nth % 2 === 0 ? DEFERRED : FOLLOW
      const subscribe = { id: `${nth}`, type: 'subscribe', payload: { query, variables: { id } } }
      sendAtOnce(opened, subscribe, { id: `${nth}`, type: 'complete' })
    }
    opened.send({ id: 'last', type: 'subscribe', payload: { query: '{ __typename }' } })
    await expect.poll(() => opened.received.some(message => message.id === 'last')).toBe(true)
    await expect.poll(() => [app.admission.inFlight, app.streams.count()]).toEqual([0, 0])
  })

  test('a socket that closes while its key or operation is checked', async () => {
    const { id } = await createKayleSession(app, 'ws-closed')
    const { token } = await withClientToken(app, withDevelopmentKey(app), { sessionId: id })
    for (let nth = 0; nth < 25; nth++) {
      const opened = nth % 2 === 0 ? await openSocket() : await openInitialized(`Bearer ${token}`)
      const init = { type: 'connection_init', payload: { authorization: `Bearer ${token}` } }
      opened.send(nth % 2 === 0 ? init : { id: '1', type: 'subscribe', payload: { query: FOLLOW, variables: { id } } })
      opened.socket.terminate()
    }
    // A token may have 20 connections.
    const last = await openInitialized(`Bearer ${token}`)
    expect(last.socket.readyState).toBe(WebSocket.OPEN)
    await expect.poll(() => [app.admission.inFlight, app.streams.count()]).toEqual([0, 0])
  })
})

test('a request that offers another protocol is answered over HTTP', async () => {
  const client = createRawClient(app.url)
  const body = JSON.stringify({ query: '{ __typename }' })
  const headers = `host: localhost\r\nauthorization: Bearer ${API_KEY}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`
  const upgrade =
    'connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n'
  const answer = await client.send(`POST /graphql HTTP/1.1\r\n${headers}${upgrade}\r\n${body}`)
  expect(answer).toMatchObject({ status: 200, text: '{"data":{"__typename":"Query"}}' })
  const elsewhere = await client.send(
    `GET /nothing HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n`,
  )
  expect(elsewhere.status).toBe(404)
  client.close()
})

function follow(client: Client, variables: () => Record<string, unknown>, onEvent: (event: Event) => void) {
  const iterator = client.iterate<Event>({ query: FOLLOW, variables: variables() })
  const done = (async () => {
    for await (const { data } of iterator) if (data) onEvent(data)
  })()
  return {
    stop: async () => {
      await iterator.return?.()
      await done
    },
  }
}
