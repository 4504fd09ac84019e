import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { follow } from '../harness/clients/subscriber.ts'
import { codeBlocks, readDoc } from '../harness/docs/docs.ts'

/** The operations of docs/guides/front-end.md and docs/explanation/freshness.md, with nothing but `fetch`. */

const recipes = readDoc('docs/guides/front-end.md') + readDoc('docs/explanation/freshness.md')
const documents = new Map(codeBlocks(recipes, 'graphql').map(text => [nameOf(text), text]))
const BACK = 'https://app.example.com/done'
const SLOW_MS = 800

let app: TestApp
beforeAll(async () => {
  app = await startApp({ CORS_ORIGINS: 'https://app.example.com' })
})
afterAll(() => app.close())

test('each of their operations occurs once, and is executed', () => {
  expect([...documents.keys()]).toEqual([...new Set(codeBlocks(recipes, 'graphql').map(nameOf))])
  expect([...documents.keys()].sort()).toEqual([...executed].sort())
})

test('every line of their code is in a tested file', () => {
  const sources = [
    ...filesIn('test/clients'),
    ...filesIn('examples/codegen'),
    ...filesIn('examples/codegen/src'),
    ...filesIn('examples/web/src'),
  ].map(readDoc)
  const lines = new Set(sources.flatMap(source => source.split('\n').map(line => line.trim())))
  for (const line of codeBlocks(recipes, 'ts').flatMap(block => block.split('\n').map(line => line.trim()))) {
    expect(lines, line).toContain(line)
  }
})

const executed = new Set<string>()
const recipe = (name: string) => documents.get(name) ?? `There is no recipe ${name}.`
/** Each operation is declared where its test is declared. */
function uses(...names: string[]): string {
  for (const name of names) executed.add(name)
  return names.join(', ')
}

describe('executed as written:', () => {
  test(uses('Begin', 'Follow'), async () => {
    const { id, providerId, liveCursor } = await begin('recipe-follow')
    const following = await follow(app.url, { query: recipe('Follow'), variables: { id, after: liveCursor } })
    await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })
    await app.execute(`{ session(by: { id: "${id}" }, freshness: { maxAgeSeconds: 0 }) { id } }`)
    const [first] = await following.first(1)
    expect(first?.data.data.sessionUpdated.session.id).toBe(id)
    await expect.poll(() => following.messages.at(-1)?.data.data.sessionUpdated.session.outcome).toBe('APPROVED')
    await following.unsubscribe()
  })

  test(uses('Page'), async () => {
    for (let place = 0; place < 23; place++) await begin('recipe-page', `page-${place}`)
    const ids: string[] = []
    let after: string | undefined
    do {
      const { data } = await sound(recipe('Page'), {
        filter: { externalId: 'recipe-page', providers: ['KAYLE'] },
        after,
      })
      ids.push(...data.sessions.edges.map(({ node }: { node: { id: string } }) => node.id))
      after = data.sessions.pageInfo.hasNextPage ? data.sessions.pageInfo.endCursor : undefined
    } while (after)
    expect(new Set(ids).size).toBe(23)
  })

  test(uses('Refresh', 'Rows'), async () => {
    const { id, providerId } = await begin('recipe-refresh')
    await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_started' })
    const attempts = { nodes: [{ id: expect.any(String), status: 'IN_PROGRESS' }] }
    const { data } = await sound(recipe('Refresh'), { id })
    expect(data.session).toMatchObject({ status: 'IN_PROGRESS', sync: { stale: false }, customer: null })
    expect(data.session.attempts).toMatchObject({ ...attempts, sync: { stale: false } })
    await app.sandbox('KAYLE').forget()
    const list = await sound(recipe('Rows'), { filter: { externalId: 'recipe-refresh' } })
    expect(list.data.sessions.nodes).toEqual([{ id, status: 'IN_PROGRESS', attempts }])
    expect(await app.sandbox('KAYLE').requests()).toEqual([])
  })

  test(uses('TokenFor'), async () => {
    const { id } = await begin('recipe-token')
    const { id: foreign } = await begin('recipe-token-of-another')
    const { data } = await sound(recipe('TokenFor'), { externalId: 'recipe-token' })
    const request = (of: string) => ({ query: `{ session(by: { id: "${of}" }) { id } }` })
    const headers = { authorization: `Bearer ${data.createClientToken.token}`, origin: 'https://app.example.com' }
    const own = await post(request(id), headers)
    expect(own.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
    expect(await own.json()).toMatchObject({ data: { session: { id } } })
    expect(await (await post(request(foreign), headers)).json()).toMatchObject({ data: { session: null } })
  })

  test(uses('WhatBecameOfIt'), async () => {
    const { id } = await begin('recipe-again', 'the-button')
    const { data } = await sound(recipe('WhatBecameOfIt'), { idempotencyKey: 'the-button' })
    expect(data.operation).toMatchObject({ state: 'SUCCEEDED', session: { id } })
    expect((await begin('recipe-again', 'the-button')).id).toBe(id)
  })

  test(uses('FollowAll'), async () => {
    const { id, providerId, liveCursor } = await begin('recipe-all')
    const variables = { filter: { externalId: 'recipe-all' }, after: liveCursor }
    const before = await follow(app.url, { query: recipe('FollowAll'), variables })
    await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_started' })
    await app.execute(`{ session(by: { id: "${id}" }, freshness: { maxAgeSeconds: 0 }) { id } }`)
    await before.first(1)
    await before.unsubscribe()
    const last = before.messages.at(-1)?.id ?? ''

    await app.sandbox('KAYLE').advance({ id: providerId, to: 'attempt_succeeded' })
    await app.execute(`{ session(by: { id: "${id}" }, freshness: { maxAgeSeconds: 0 }) { id } }`)
    const again = await follow(app.url, { query: recipe('FollowAll'), variables, lastEventId: last })
    await expect.poll(() => again.messages.at(-1)?.data.data.sessionsUpdated.session.outcome).toBe('APPROVED')
    const cursors = [...before.messages, ...again.messages].map(({ id }) => id)
    expect(new Set(cursors).size).toBe(cursors.length)
    await again.unsubscribe()
  })

  test(uses('Overview'), async () => {
    const { id } = await begin('recipe-defer')
    const { data } = await app.execute(CUSTOMER)
    const link = `mutation { linkSession(input: { sessionId: "${id}", customerId: "${data.createCustomer.customer.id}" }) { __typename } }`
    expect((await app.execute(link)).data.linkSession.__typename).toBe('LinkSessionPayload')
    await app.sandbox('KAYLE').faults([{ fault: { kind: 'latency', ms: SLOW_MS } }])
    const requests = recipe('Overview').replace('attempts {', 'attempts(freshness: { maxAgeSeconds: 0 }) {')
    const response = await post({ query: requests, variables: { id } }, { accept: 'multipart/mixed' })
    const times: number[] = []
    let text = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      times.push(performance.now())
      if (times.length === 1) expect(chunk).not.toContain('attempts')
      text += chunk
    }
    await app.sandbox('KAYLE').clearFaults()
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

  test('each by its hash, with trusted documents enforced', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-recipes-'))
    for (const [name, text] of documents) writeFileSync(join(folder, `${name}.graphql`), text)
    const strict = await startApp({ TRUSTED_DOCUMENTS: 'enforce', TRUSTED_DOCUMENTS_DIR: folder })
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

/** Creates a session as the recipe does. Returns its id in the sandbox. */
async function begin(externalId: string, idempotencyKey = externalId) {
  const input = { externalId, idempotencyKey, session: { kayle: { redirectUrl: BACK } } }
  const { data } = await sound(recipe('Begin'), { input })
  const { id, liveCursor, access } = data.createSession.session
  expect(access.hostedUrl).toMatch(/^http/)
  const known = await app.execute(`{ session(by: { id: "${id}" }) { providerId } }`)
  return { id, liveCursor, providerId: known.data.session.providerId }
}

/** A response without errors. */
async function sound(query: string, variables: Record<string, unknown>) {
  const answer = await app.execute(query, variables)
  expect(answer.errors).toEqual([])
  return answer
}

function post(body: object, headers: Record<string, string> = {}, url = app.url): Promise<Response> {
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
  const files = readdirSync(folder).filter(file => /\.tsx?$/.test(file))
  return files.map(file => `${folder}/${file}`)
}
