import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeBlocks, readDoc } from '../harness/docs.ts'
import { API_KEY, type House, startHouse } from '../harness/house.ts'
import { follow } from '../harness/subscriber.ts'

/** The recipes of docs/clients.md, with nothing but `fetch`. */

const recipes = readDoc('docs/clients.md')
const documents = new Map(codeBlocks(recipes, 'graphql').map(text => [nameOf(text), text]))
const BACK = 'https://app.example.com/done'
const SLOW_MS = 800

let house: House
beforeAll(async () => {
  house = await startHouse({ CORS_ORIGINS: 'https://app.example.com' })
})
afterAll(() => house.close())

test('there are ten, and each operation stands once', () => {
  expect([...recipes.matchAll(/^## (\d+)\. /gm)].map(([, number]) => number)).toEqual([...'123456789', '10'])
  expect([...documents.keys()]).toEqual([...new Set(codeBlocks(recipes, 'graphql').map(nameOf))])
  expect([...documents.keys()].sort()).toEqual([...executed].sort())
})

test('every line of their code is in a file that the tests run', () => {
  const sources = [...filesIn('test/clients'), ...filesIn('examples/web/src')].map(readDoc)
  const lines = new Set(sources.flatMap(source => source.split('\n').map(line => line.trim())))
  for (const line of codeBlocks(recipes, 'ts').flatMap(block => block.split('\n').map(line => line.trim()))) {
    expect(lines, line).toContain(line)
  }
})

const executed = new Set<string>()
const recipe = (name: string) => documents.get(name) ?? `There is no recipe ${name}.`
/** The operations are declared to be executed where the test of each is declared. */
function uses(...names: string[]): string {
  for (const name of names) executed.add(name)
  return names.join(', ')
}

describe('executed as they stand:', () => {
  test(uses('Begin', 'Follow'), async () => {
    const { id, providerId, liveCursor } = await begin('recipe-follow')
    const following = await follow(house.url, { query: recipe('Follow'), variables: { id, after: liveCursor } })
    await house.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })
    await house.ask(`mutation { refreshSession(input: { id: "${id}" }) { __typename } }`)
    const [first] = await following.first(1)
    expect(first?.data.data.sessionUpdated.session.id).toBe(id)
    await expect.poll(() => following.messages.at(-1)?.data.data.sessionUpdated.session.outcome).toBe('APPROVED')
    await following.leave()
  })

  test(uses('Page'), async () => {
    for (let place = 0; place < 23; place++) await begin('recipe-page', `page-${place}`)
    const ids: string[] = []
    let after: string | undefined
    do {
      const { data } = await sound(recipe('Page'), {
        filter: { externalId: 'recipe-page', provider: ['KAYLE'] },
        after,
      })
      ids.push(...data.sessions.edges.map(({ node }: { node: { id: string } }) => node.id))
      after = data.sessions.pageInfo.hasNextPage ? data.sessions.pageInfo.endCursor : undefined
    } while (after)
    expect(new Set(ids).size).toBe(23)
  })

  test(uses('TokenFor'), async () => {
    const { id } = await begin('recipe-token')
    const { id: foreign } = await begin('recipe-token-of-another')
    const { data } = await sound(recipe('TokenFor'), { externalId: 'recipe-token' })
    const asking = (of: string) => ({ query: `{ session(by: { id: "${of}" }) { id } }` })
    const headers = { authorization: `Bearer ${data.createClientToken.token}`, origin: 'https://app.example.com' }
    const own = await post(asking(id), headers)
    expect(own.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
    expect(await own.json()).toMatchObject({ data: { session: { id } } })
    expect(await (await post(asking(foreign), headers)).json()).toMatchObject({ data: { session: null } })
  })

  test(uses('WhatBecameOfIt'), async () => {
    const { id } = await begin('recipe-again', 'the-button')
    const { data } = await sound(recipe('WhatBecameOfIt'), { idempotencyKey: 'the-button' })
    expect(data.createOperation).toMatchObject({ state: 'SUCCEEDED', session: { id } })
    expect((await begin('recipe-again', 'the-button')).id).toBe(id)
  })

  test(uses('FollowAll'), async () => {
    const { id, providerId, liveCursor } = await begin('recipe-all')
    const variables = { filter: { externalId: 'recipe-all' }, after: liveCursor }
    const before = await follow(house.url, { query: recipe('FollowAll'), variables })
    await house.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_started' })
    await house.ask(`mutation { refreshSession(input: { id: "${id}" }) { __typename } }`)
    await before.first(1)
    await before.leave()
    const last = before.messages.at(-1)?.id ?? ''

    await house.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })
    await house.ask(`mutation { refreshSession(input: { id: "${id}" }) { __typename } }`)
    const again = await follow(house.url, { query: recipe('FollowAll'), variables, lastEventId: last })
    await expect.poll(() => again.messages.at(-1)?.data.data.sessionsUpdated.session.outcome).toBe('APPROVED')
    const cursors = [...before.messages, ...again.messages].map(({ id }) => id)
    expect(new Set(cursors).size).toBe(cursors.length)
    await again.leave()
  })

  test(uses('Overview'), async () => {
    const { id } = await begin('recipe-defer')
    const { data } = await house.ask(CUSTOMER)
    const link = `mutation { linkSession(input: { sessionId: "${id}", customerId: "${data.createCustomer.customer.id}" }) { __typename } }`
    expect((await house.ask(link)).data.linkSession.__typename).toBe('LinkSessionPayload')
    await house.sandbox('KAYLE').faults([{ fault: { kind: 'latency', ms: SLOW_MS } }])
    const asked = recipe('Overview').replace('attempts {', 'attempts(freshness: { maxAgeSeconds: 0 }) {')
    const response = await post({ query: asked, variables: { id } }, { accept: 'multipart/mixed' })
    const times: number[] = []
    let text = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      times.push(performance.now())
      if (times.length === 1) expect(chunk).not.toContain('attempts')
      text += chunk
    }
    await house.sandbox('KAYLE').clearFaults()
    expect(text).toContain('"attempts":{')
    expect(text).toContain('"customer":{')
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(SLOW_MS / 2)
  })

  test(uses('Cancel'), async () => {
    const { id } = await begin('recipe-cancel')
    const { data } = await sound(recipe('Cancel'), { id })
    expect(data.cancelSession).toEqual({ session: { id, status: 'CANCELED' } })
    const missing = await sound(recipe('Cancel'), { id: 'U2Vzc2lvbjpub25l' })
    expect(missing.data.cancelSession).toMatchObject({ code: expect.any(String), message: expect.any(String) })
  })

  test('each by its hash, where only trusted documents are answered', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-recipes-'))
    for (const [name, text] of documents) writeFileSync(join(folder, `${name}.graphql`), text)
    const strict = await startHouse({ TRUSTED_DOCUMENTS: 'enforce', TRUSTED_DOCUMENTS_DIR: folder })
    const page = hashOf(recipe('Page'))
    const persisted = { persistedQuery: { version: 1, sha256Hash: page } }
    for (const body of [{ documentId: page }, { extensions: persisted }, { query: recipe('Page') }]) {
      expect((await post(body, {}, strict.url)).status).toBe(200)
    }
    const refused = await post({ query: '{ providers { provider } }' }, {}, strict.url)
    expect(await refused.json()).toMatchObject({ errors: [{ extensions: { code: 'DOCUMENT_NOT_TRUSTED' } }] })
    await strict.close()
    rmSync(folder, { recursive: true, force: true })
  })
})

const CUSTOMER = `mutation {
  createCustomer(input: {
    idempotencyKey: "recipe-customer", externalId: "recipe-defer"
    customer: { rapidly: { email: "recipe@example.com" } }
  }) { ... on CreateCustomerPayload { customer { id } } }
}`

/** Begins a session as the recipe does, and says by which id the sandbox knows it. */
async function begin(externalId: string, idempotencyKey = externalId) {
  const input = { externalId, idempotencyKey, session: { kayle: { redirectUrl: BACK } } }
  const { data } = await sound(recipe('Begin'), { input })
  const { id, liveCursor, access } = data.createSession.session
  expect(access.hostedUrl).toMatch(/^http/)
  const known = await house.ask(`{ session(by: { id: "${id}" }) { providerId } }`)
  return { id, liveCursor, providerId: known.data.session.providerId }
}

/** An answer without errors. */
async function sound(query: string, variables: Record<string, unknown>) {
  const answer = await house.ask(query, variables)
  expect(answer.errors).toEqual([])
  return answer
}

function post(body: object, headers: Record<string, string> = {}, url = house.url): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

function nameOf(text: string): string {
  const [definition] = parse(text).definitions
  return definition?.kind === 'OperationDefinition' ? (definition.name?.value ?? '') : ''
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function filesIn(folder: string): string[] {
  return readdirSync(folder).map(file => `${folder}/${file}`)
}
