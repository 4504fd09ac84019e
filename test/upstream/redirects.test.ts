import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AppWithFaultyProvider, startAppWithFaultyProvider } from '../harness/app/app-with-faulty-provider.ts'
import { codesOf, create, makeRecord, READS, type ReadSubject, read, subjectOf } from '../harness/clients/reads.ts'
import { SUBJECTS } from '../harness/providers/create-subjects.ts'
import type { FaultyResponse } from '../harness/providers/faulty-provider.ts'
import { type HostileServer, startHostileServer } from '../harness/providers/hostile-server.ts'

/** No redirect of a provider is followed: no credential ever reaches another host. */

const REDIRECTS = [300, 301, 302, 303, 307, 308]

let app: AppWithFaultyProvider
/** A request that arrives here may carry credentials. */
let elsewhere: HostileServer

beforeEach(async () => {
  elsewhere = await startHostileServer({ onRequest: () => ['HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'] })
  app = await startAppWithFaultyProvider({ BREAKER_MINIMUM_CALLS: '100000', CREATE_DEADLINE_MS: '1000' })
})
afterEach(async () => {
  expect(elsewhere.connections()).toBe(0)
  await app.close()
  await elsewhere.close()
})

/** All forms of a redirect target on another host, and two on the same host. */
function positions(): string[] {
  const { host } = new URL(elsewhere.origin)
  return [
    `${elsewhere.origin}/v1/sessions`,
    `//${host}/v1/sessions`,
    `http://user:password@${host}/`,
    `http:\\\\${host}\\`,
    '/v1/elsewhere',
    '',
  ]
}

function redirect(status: number, location: string): FaultyResponse {
  return { status, headers: { location, refresh: `0; url=${location}`, link: `<${location}>; rel="next"` }, text: '{}' }
}

describe('a redirect', () => {
  test.each(REDIRECTS)('%d of a read is not followed at any provider', async status => {
    for (const subject of READS) {
      const { provider } = subject
      const made = await makeRecord(app, subject)
      for (const place of positions()) {
        app.at(provider).behave(() => redirect(status, place))
        expect(codesOf(await read(app, subject, made))).toEqual({ [provider]: 'PROVIDER_CONTRACT_BROKEN' })
        expect(app.at(provider).received.every(({ path }) => !path.includes('elsewhere'))).toBe(true)
      }
      app.at(provider).behave()
    }
  })

  test.each(REDIRECTS)('%d of a create is not followed at any provider, and the outcome is unknown', async status => {
    for (const { provider, recordType, input } of SUBJECTS) {
      for (const place of positions()) {
        app.at(provider).behave(() => redirect(status, place))
        const { data } = await create(app, {
          recordType: recordType.toLowerCase() as ReadSubject['recordType'],
          input,
        })
        expect(data.made).toMatchObject({ __typename: 'UnconfirmedError', operation: { state: 'UNKNOWN' } })
        expect(app.at(provider).received).toHaveLength(1)
      }
    }
  })

  test('of a cancel is not followed', async () => {
    const { id } = await makeRecord(app, subjectOf('KAYLE'))
    app.at('KAYLE').behave(() => redirect(307, elsewhere.origin))
    const { data } = await app.execute(
      'mutation ($id: ID!) { cancelSession(input: { sessionId: $id }) { __typename ... on MutationError { code } } }',
      { id },
    )
    expect(data.cancelSession).toEqual({ __typename: 'ProviderContractError', code: 'PROVIDER_CONTRACT_BROKEN' })
  })

  test('of a login is not followed, so that no password is sent there', async () => {
    await app.close()
    app = await startAppWithFaultyProvider({ PERSONR_API_KEY: '' })
    app.at('PERSONR').behave(() => redirect(307, elsewhere.origin))
    const { data } = await create(app, subjectOf('PERSONR'))
    expect(data.made).toMatchObject({ __typename: 'ProviderContractError', code: 'PROVIDER_CONTRACT_BROKEN' })
    expect(app.at('PERSONR').received.map(({ path }) => path.split('/').at(-1))).toEqual(['api-token-generate'])
  })
})

describe('a URL in a response', () => {
  test('is returned and never fetched', async () => {
    const subject = subjectOf('KAYLE')
    app.at('KAYLE').behave(() => given => ({
      ...given,
      text: given.text.replace(/"verification_url":"[^"]*"/, `"verification_url":"${elsewhere.origin}/vs"`),
    }))
    const made = await makeRecord(app, subject)
    expect((await read(app, subject, made)).errors).toEqual([])
  })
})

describe('the server at the redirect target', () => {
  test('would have recorded a request', async () => {
    const listener = await startHostileServer({
      onRequest: () => ['HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}', 'CLOSE'],
    })
    await fetch(listener.origin, { headers: { authorization: 'Bearer leaked' } })
    expect(listener.connections()).toBe(1)
    expect(listener.received[0]?.head).toContain('Bearer leaked')
    await listener.close()
  })
})
