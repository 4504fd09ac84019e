import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SUBJECTS } from './harness/create-subjects.ts'
import { type HostileServer, startHostileServer } from './harness/hostile-server.ts'
import { codesOf, create, makeRecord, READS, type ReadSubject, read, subjectOf } from './harness/reads.ts'
import type { Given } from './harness/unruly.ts'
import { startUnrulyHouse, type UnrulyHouse } from './harness/unruly-house.ts'

/** A provider that points elsewhere is not followed: no credential ever leaves for another host. */

const REDIRECTS = [300, 301, 302, 303, 307, 308]

let house: UnrulyHouse
/** Whoever comes here brought something along. */
let elsewhere: HostileServer

beforeEach(async () => {
  elsewhere = await startHostileServer({ onRequest: () => ['HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'] })
  house = await startUnrulyHouse({ BREAKER_MINIMUM_CALLS: '100000', CREATE_DEADLINE_MS: '1000' })
})
afterEach(async () => {
  expect(elsewhere.connections()).toBe(0)
  await house.close()
  await elsewhere.close()
})

/** All the ways in which a redirect can name another place, and two that name the same host. */
function places(): string[] {
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

function redirect(status: number, location: string): Given {
  return { status, headers: { location, refresh: `0; url=${location}`, link: `<${location}>; rel="next"` }, text: '{}' }
}

describe('a redirect', () => {
  test.each(REDIRECTS)('%d of a read is not followed at any provider', async status => {
    for (const subject of READS) {
      const { provider } = subject
      const made = await makeRecord(house, subject)
      for (const place of places()) {
        house.at(provider).behave(() => redirect(status, place))
        expect(codesOf(await read(house, subject, made))).toEqual({ [provider]: 'PROVIDER_CONTRACT_BROKEN' })
        expect(house.at(provider).received.every(({ path }) => !path.includes('elsewhere'))).toBe(true)
      }
      house.at(provider).behave()
    }
  })

  test.each(REDIRECTS)(
    '%d of a create is not followed at any provider, and the create counts as refused',
    async status => {
      for (const { provider, noun, input } of SUBJECTS) {
        for (const place of places()) {
          house.at(provider).behave(() => redirect(status, place))
          const { data } = await create(house, { noun: noun.toLowerCase() as ReadSubject['noun'], input })
          expect(data.made).toEqual({ __typename: 'ProviderContractError', code: 'PROVIDER_CONTRACT_BROKEN' })
          expect(house.at(provider).received).toHaveLength(1)
        }
      }
    },
  )

  test('of a cancel is not followed', async () => {
    const { id } = await makeRecord(house, subjectOf('KAYLE'))
    house.at('KAYLE').behave(() => redirect(307, elsewhere.origin))
    const { data } = await house.ask(
      'mutation ($id: ID!) { cancelSession(input: { id: $id }) { __typename ... on Error { code } } }',
      { id },
    )
    expect(data.cancelSession).toEqual({ __typename: 'ProviderContractError', code: 'PROVIDER_CONTRACT_BROKEN' })
  })

  test('of a login is not followed, so that no password goes there', async () => {
    await house.close()
    house = await startUnrulyHouse({ PERSONR_API_KEY: '' })
    house.at('PERSONR').behave(() => redirect(307, elsewhere.origin))
    const { data } = await create(house, subjectOf('PERSONR'))
    expect(data.made).toMatchObject({ __typename: 'ProviderContractError', code: 'PROVIDER_CONTRACT_BROKEN' })
    expect(house.at('PERSONR').received.map(({ path }) => path.split('/').at(-1))).toEqual(['api-token-generate'])
  })
})

describe('an address in an answer', () => {
  test('is handed on and never fetched', async () => {
    const subject = subjectOf('KAYLE')
    house.at('KAYLE').behave(() => given => ({
      ...given,
      text: given.text.replace(/"verification_url":"[^"]*"/, `"verification_url":"${elsewhere.origin}/vs"`),
    }))
    const made = await makeRecord(house, subject)
    expect((await read(house, subject, made)).errors).toEqual([])
  })
})

describe('the listener elsewhere', () => {
  test('would have seen somebody come', async () => {
    const listener = await startHostileServer({
      onRequest: () => ['HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}', 'CLOSE'],
    })
    await fetch(listener.origin, { headers: { authorization: 'Bearer leaked' } })
    expect(listener.connections()).toBe(1)
    expect(listener.received[0]?.head).toContain('Bearer leaked')
    await listener.close()
  })
})
