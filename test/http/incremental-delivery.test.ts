import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API_KEY, startApp, type TestApp } from '../harness/app/test-app.ts'
import { withKey } from '../harness/clients/callers.ts'
import { createKayleSession } from '../harness/providers/kayle-session.ts'

/** Incremental responses, and responses with errors. */

const log: string[] = []
let app: TestApp
beforeAll(async () => {
  app = await startApp({ LOG_LEVEL: 'error' }, { jobs: false, logTo: { write: line => void log.push(line) } })
})
afterAll(() => app.close())

const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }

async function parts(query: string, token = API_KEY): Promise<string> {
  const request = { ...headers, authorization: `Bearer ${token}`, accept: 'multipart/mixed' }
  const init = { method: 'POST', headers: request, body: JSON.stringify({ query }) }
  return (await fetch(app.url, init)).text()
}

test('an error in a deferred part has its code and the request id', async () => {
  const text = await parts('{ providers { provider } ... @defer { session(by: { id: "nobody" }) { id } } }')
  expect(text).toContain('"hasNext":true')
  expect(text).toMatch(/"path":\["session"\],"extensions":\{[^}]*"code":"NOT_FOUND"/)
  expect(text).toMatch(/"requestId":"[\w-]+"/)
})

test('a denied field in a deferred part has its error there, even if another was denied in an earlier part', async () => {
  const { token } = await withKey(app, { scopes: ['sessions:read'] })
  const fields = 'applicants { totalCount } ... @defer { customers { totalCount } } ... Later @defer'
  const text = await parts(`{ ${fields} } fragment Later on Query { person: applicants { totalCount } }`, token)
  const refused = [...text.matchAll(/"paths":(\[[^\]]*\])/g)].map(([, paths = '']) => JSON.parse(paths))
  expect(text).toContain('"hasNext":true')
  expect(refused.sort()).toEqual([['applicants'], ['customers'], ['person']])
  expect(text).toMatch(/"path":\["customers"\],"extensions":\{[^}]*"code":"FORBIDDEN"/)
})

test('an unexpected error in a deferred part is masked', async () => {
  await app.db.sql.schema.alterTable('customers').renameTo('away').execute()
  const text = await parts('{ providers { provider } ... @defer { customers { nodes { id } } } }')
  await app.db.sql.schema.alterTable('away').renameTo('customers').execute()
  expect(text).toContain('"code":"INTERNAL_ERROR"')
  expect(text).not.toMatch(/no such table|relation|customers" /)
})

test('a client that disconnects in the middle of its body is no unexpected error', async () => {
  log.length = 0
  const { port } = new URL(app.url)
  for (const path of ['/graphql', '/graphql?', '/webhooks/kayle/nobody']) {
    const socket = connect(Number(port), '127.0.0.1')
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.write(`POST ${path} HTTP/1.1\r\nhost: a\r\n${lines.join('')}content-length: 100\r\n\r\n{"que`)
    await sleep(100)
    socket.destroy()
    await expect.poll(() => app.admission.inFlight).toBe(0)
  }
  await sleep(50)
  expect(log).toEqual([])
})

test.each(['multipart/mixed', 'multipart/mixed;incrementalSpec=v0.2'])(
  'a client that disconnects before and between the parts of a response as %s is no unexpected error',
  async accept => {
    const { id } = await createKayleSession(app, `leaves ${accept}`)
    await app.sandbox('KAYLE').faults([{ method: 'GET', fault: { kind: 'latency', ms: 200 } }])
    log.length = 0
    const now = 'freshness: { maxAgeSeconds: 0 }'
    for (const query of [
      `{ session(by: { id: "${id}" }, ${now}) { id } ... @defer { __typename } }`,
      `{ session(by: { id: "${id}" }) { id ... @defer { attempts(${now}) { totalCount } } } }`,
    ]) {
      const aborting = new AbortController()
      const init = { method: 'POST', headers: { ...headers, accept }, body: JSON.stringify({ query }) }
      const response = fetch(app.url, { ...init, signal: aborting.signal }).then(answer => answer.text())
      const failed = expect(response).rejects.toThrow()
      await sleep(100)
      aborting.abort()
      await failed
      await expect.poll(() => app.admission.inFlight).toBe(0)
    }
    await app.sandbox('KAYLE').clearFaults()
    await sleep(50)
    expect(log).toEqual([])
  },
)

describe('fields of one response name', () => {
  const messageOf = async (fields: string) => {
    const { errors } = await app.execute(`{ sessions { ${fields} } }`)
    return errors[0]?.message
  }
  test.each([
    ['one of them has no @stream', 'nodes @stream { id } nodes { id }'],
    ['their @stream differs', 'nodes @stream(initialCount: 1) { id } nodes @stream { id }'],
    ['their arguments differ', 'nodes { timeline(first: 1) { totalCount } } nodes { timeline { totalCount } }'],
  ])('are refused where %s', async (_what, fields) => {
    expect(await messageOf(fields)).toMatch(/^Fields "nodes" conflict because /)
  })
})
