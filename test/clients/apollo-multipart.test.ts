import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { Defer20220824Handler, GraphQL17Alpha9Handler } from '@apollo/client/incremental'
import {
  ApolloClient as ApolloClient3,
  HttpLink as HttpLink3,
  InMemoryCache as InMemoryCache3,
} from 'apollo-client-3/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { createKayleSession } from '../harness/providers/kayle-session.ts'

/** Apollo Client 3 and 4 with their own link and no other: @defer, @stream and subscriptions as multipart responses. */

const AUTHORIZATION = { authorization: `Bearer ${API_KEY}` }
const FOLLOW = gql`
  subscription Follow($id: ID!, $after: String) {
    sessionUpdated(id: $id, after: $after) {
      cursor
      session {
        id
        status
      }
    }
  }
`
const REFRESH = 'query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { status } }'

let app: TestApp
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

/** The versions of Apollo Client have different types, and take the same documents. */
interface AnyClient {
  subscribe(options: { query: typeof FOLLOW; variables: object }): {
    subscribe(observer: { next(result: { data?: unknown }): void; error(error: unknown): void }): {
      unsubscribe(): void
    }
  }
  watchQuery(options: { query: typeof FOLLOW; variables: object }): {
    subscribe(next: (result: { data?: unknown }) => void): { unsubscribe(): void }
  }
  stop(): void
}

function client4(incrementalHandler: object): AnyClient {
  const options = { link: new HttpLink({ uri: app.url, headers: AUTHORIZATION }), cache: new InMemoryCache() }
  return new ApolloClient({ ...options, incrementalHandler: incrementalHandler as GraphQL17Alpha9Handler }) as AnyClient
}

function client3(): AnyClient {
  const options = { link: new HttpLink3({ uri: app.url, headers: AUTHORIZATION }), cache: new InMemoryCache3() }
  return new ApolloClient3(options) as AnyClient
}

const CLIENTS: readonly (readonly [string, () => AnyClient])[] = [
  ['Apollo Client 3', client3],
  ['Apollo Client 4 with the format of 2022', () => client4(new Defer20220824Handler())],
  ['Apollo Client 4 with the format of 2023', () => client4(new GraphQL17Alpha9Handler())],
]

interface Event {
  readonly sessionUpdated: { readonly cursor: string; readonly session: { readonly status: string } }
}

describe.each(CLIENTS)('%s', (name, connect) => {
  const externalId = name.replace(/\W/g, '-')

  test('follows a session, and resumes after a cut', async () => {
    const { id, providerId, liveCursor } = await createKayleSession(app, externalId)
    const client = connect()
    const seen: Event['sessionUpdated'][] = []
    const errors: unknown[] = []
    const follow = (after: string) =>
      client.subscribe({ query: FOLLOW, variables: { id, after } }).subscribe({
        next: ({ data }) => void seen.push((data as Event).sessionUpdated),
        error: error => void errors.push(error),
      })
    const first = follow(liveCursor)
    await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_started' })
    await app.execute(REFRESH, { id })
    await expect.poll(() => seen.at(-1)?.session.status).toBe('IN_PROGRESS')
    first.unsubscribe()
    await expect.poll(() => app.streams.count()).toBe(0)
    const before = seen.length
    await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })
    await app.execute(REFRESH, { id })
    const second = follow(seen.at(-1)?.cursor ?? '')
    await expect.poll(() => seen.at(-1)?.session.status).toBe('COMPLETED')
    expect(new Set(seen.map(({ cursor }) => cursor)).size).toBe(seen.length)
    expect(seen.length).toBeGreaterThan(before)
    expect(errors).toEqual([])
    second.unsubscribe()
    client.stop()
  })

  test('gets deferred fragments, also one inside another', async () => {
    const { id } = await createKayleSession(app, `${externalId}-defer`)
    const client = connect()
    const query = gql`
      query Slow($id: ID!) {
        session(by: { id: $id }) {
          id
          ... @defer {
            attempts(freshness: { maxAgeSeconds: 0 }) {
              totalCount
            }
            ... @defer {
              customer {
                id
              }
            }
          }
          ...Outcome @defer
        }
      }
      fragment Outcome on Session {
        outcome
      }
    `
    const states: unknown[] = []
    const following = client.watchQuery({ query, variables: { id } }).subscribe(({ data }) => {
      if (data) states.push((data as { session: unknown }).session)
    })
    await expect
      .poll(() => states.at(-1))
      .toMatchObject({ id, attempts: { totalCount: 0 }, outcome: 'PENDING', customer: null })
    expect(states[0]).not.toHaveProperty('attempts')
    following.unsubscribe()
    client.stop()
  })
})

describe('the format of 2023', () => {
  const post = (query: string, accept: string) =>
    fetch(app.url, {
      method: 'POST',
      headers: { ...AUTHORIZATION, accept, 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    })

  async function parts(query: string) {
    const response = await post(query, 'multipart/mixed;incrementalSpec=v0.2, application/json')
    expect(response.headers.get('content-type')).toContain('incrementalSpec="v0.2"')
    const bodies = (await response.text()).split(/\r\n---(?:--)?/).map(part => part.split('\r\n\r\n')[1])
    return bodies.flatMap(body => (body ? [JSON.parse(body)] : []))
  }

  test('announces each part, and completes it', async () => {
    const [initial, ...later] = await parts(
      '{ providers { provider ... @defer(label: "more") { configured } } ... @defer { other: providers { provider } } }',
    )
    const pending = [0, 1, 2, 3, 4].map(at => ({ path: ['providers', at], label: 'more' }))
    expect(initial.pending).toMatchObject([{ path: [] }, ...pending])
    expect(initial.hasNext).toBe(true)
    const ids = initial.pending.map(({ id }: { id: string }) => id)
    expect(new Set(ids).size).toBe(6)
    const completed = later.flatMap(part => part.completed ?? [])
    expect(completed.map(({ id }) => id).sort()).toEqual(ids.sort())
    expect(
      later
        .flatMap(part => part.incremental ?? [])
        .map(({ id }) => id)
        .sort(),
    ).toEqual(ids.sort())
    expect(later.map(part => part.hasNext)).toEqual([...later.slice(1).map(() => true), false])
  })

  test('streams the items of a list', async () => {
    const results = await parts('{ providers @stream(initialCount: 2, label: "rest") { provider } }')
    const [initial, ...later] = results
    expect(initial).toMatchObject({ pending: [{ id: '0', path: ['providers'], label: 'rest' }], hasNext: true })
    expect(initial.data.providers).toHaveLength(2)
    expect(
      later.flatMap(part => part.incremental ?? []).flatMap(({ id, items }) => (id === '0' ? items : [])),
    ).toHaveLength(3)
    expect(later.at(-1)).toMatchObject({ completed: [{ id: '0' }], hasNext: false })
  })

  test('has the error of a part that could not be read, with its code', async () => {
    const [initial, ...later] = await parts(
      '{ providers { provider } ... @defer { session(by: { id: "nobody" }) { id } } }',
    )
    expect(initial.pending).toHaveLength(1)
    const [part] = later.flatMap(part => part.incremental ?? [])
    expect(part.errors[0].extensions).toMatchObject({ code: 'NOT_FOUND', requestId: expect.any(String) })
    expect(JSON.stringify(later)).not.toContain('"http"')
  })

  test('announces nothing where nothing follows', async () => {
    const query = 'query { providers { provider ... @defer(if: false) { configured } } }'
    const response = await post(query, 'multipart/mixed;incrementalSpec=v0.2, application/json')
    expect(await response.text()).not.toContain('pending')
  })

  test.each(['multipart/mixed;incrementalSpec=v9', 'multipart/mixed;deferSpec=20990101', 'application/json'])(
    'another one is refused before execution: %s',
    async accept => {
      const response = await post('{ providers { provider ... @defer { configured } } }', accept)
      expect(response.status).toBe(406)
      expect(await response.text()).toContain('incrementalSpec=v0.2')
    },
  )
})

describe('a subscription as a multipart response', () => {
  const open = (accept: string) =>
    fetch(app.url, {
      method: 'POST',
      headers: { ...AUTHORIZATION, accept, 'content-type': 'application/json' },
      body: '{"query":"subscription { sessionsUpdated { cursor } }"}',
    })

  test('begins with a heartbeat', async () => {
    const response = await open('multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json')
    expect(response.headers.get('content-type')).toBe('multipart/mixed;boundary="graphql";subscriptionSpec="1.0"')
    const reader = response.body?.getReader()
    const { value } = (await reader?.read()) ?? {}
    const text = new TextDecoder().decode(value)
    expect(text).toBe('\r\n--graphql\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql')
    await reader?.cancel()
  })

  test.each(['multipart/mixed', 'multipart/mixed;subscriptionSpec=2.0', 'application/json'])(
    'is refused with %s, which does not name the format',
    async accept => {
      const response = await open(accept)
      expect([response.status, await response.text()]).toEqual([406, expect.stringContaining('subscriptionSpec=1.0')])
    },
  )

  test('ends with the reason when the server stops', async () => {
    const short = await startApp({}, { jobs: false })
    const response = await fetch(short.url, {
      method: 'POST',
      headers: { ...AUTHORIZATION, accept: 'multipart/mixed;subscriptionSpec=1.0', 'content-type': 'application/json' },
      body: '{"query":"subscription { sessionsUpdated { cursor } }"}',
    })
    const [text] = await Promise.all([response.text(), short.close()])
    expect(text).toMatch(/\{"payload":null,"errors":\[\{.*"reason":"CLOSING".*\}\]\}\r\n--graphql--\r\n$/)
  })
})
