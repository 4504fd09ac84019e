import { ApolloClient, gql as apolloGql, HttpLink, InMemoryCache } from '@apollo/client'
import { Client, fetchExchange, gql as urqlGql } from '@urql/core'
import { createClient } from 'graphql-sse'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { withClientToken, withDevelopmentKey } from '../harness/clients/callers.ts'
import { createKayleSession } from '../harness/providers/kayle-session.ts'

/** A client token that the clients renew when it is rejected, as in docs/guides/front-end.md. */

const USER = 'renewing-user'
const PERSON = '{ person(externalId: "renewing-user") { id sessions { nodes { id status } } } }'
const FOLLOW = 'subscription { personUpdated(externalId: "renewing-user") { cursor } }'

let app: TestApp
let renewals = 0
let token = ''
beforeAll(async () => {
  app = await startApp()
  await createKayleSession(app, USER)
})
beforeEach(() => {
  renewals = 0
  token = 'an.expired.token'
})
afterAll(() => app.close())

/** In a page: a call of the own server, which creates a client token for the logged-in user. */
async function getToken({ renew }: { renew: boolean }): Promise<string> {
  if (renew) {
    renewals += 1
    token = (await withClientToken(app, withDevelopmentKey(app), { externalId: USER })).token
  }
  return token
}

const authorized: typeof fetch = async (resource, init) => {
  const send = async (renew: boolean) => {
    const headers = new Headers(init?.headers)
    headers.set('authorization', `Bearer ${await getToken({ renew })}`)
    return fetch(resource, { ...init, headers })
  }
  const response = await send(false)
  return response.status === 401 ? send(true) : response
}

const STATUSES = { person: { sessions: { nodes: [{ status: 'CREATED' }] } } }

test('Apollo Client renews a rejected token once', async () => {
  const { url: uri } = app
  const http = new HttpLink({ uri, fetch: authorized })
  const client = new ApolloClient({ link: http, cache: new InMemoryCache() })
  const { data } = await client.query({ query: apolloGql(PERSON) })
  expect([data, renewals]).toMatchObject([STATUSES, 1])
  await client.query({ query: apolloGql(PERSON), fetchPolicy: 'network-only' })
  expect(renewals).toBe(1)
})

test('urql renews a rejected token once', async () => {
  const { url } = app
  const client = new Client({ url, exchanges: [fetchExchange], fetch: authorized, preferGetMethod: false })
  const { data } = await client.query(urqlGql(PERSON), {}).toPromise()
  expect([data, renewals]).toMatchObject([STATUSES, 1])
})

test('graphql-sse renews a rejected token once', async () => {
  const { url } = app
  const sse = createClient({ url, fetchFn: authorized })
  const unsubscribe = sse.subscribe({ query: FOLLOW }, { next: () => {}, error: () => {}, complete: () => {} })
  await expect.poll(() => app.streams.count()).toBe(1)
  expect(renewals).toBe(1)
  unsubscribe()
  await expect.poll(() => app.streams.count()).toBe(0)
})
