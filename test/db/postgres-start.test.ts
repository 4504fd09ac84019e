import { connect, createServer, type Server } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { executeAt, startBuilt, statusOf, stopBuilt, whenReady } from '../harness/app/built-server.ts'
import { takePrivateDatabase } from '../harness/app/database.ts'
import { findFreePort } from '../harness/app/server-process.ts'

/** A server whose database cannot be reached when it starts. */

test('it is alive, not ready, says so once, and serves when the database answers', async () => {
  const { url: database, release } = await takePrivateDatabase()
  onTestFinished(release)
  const target = new URL(database)
  const away = new URL(database)
  away.hostname = '127.0.0.1'
  away.port = String(await findFreePort())
  const server = await startBuilt({ env: { DATABASE_URL: away.href }, stdio: ['ignore', 'ignore', 'pipe'] })
  let output = ''
  server.child.stderr?.on('data', chunk => {
    output += chunk
  })
  await expect.poll(() => statusOf(`${server.url}/livez`), { timeout: 30_000 }).toBe(200)
  expect(await (await fetch(`${server.url}/readyz`)).json()).toEqual({ ready: false, database: 'AWAY' })
  const { errors } = await executeAt(server, '{ __typename }')
  expect(errors[0].extensions).toMatchObject({ code: 'OVERLOADED', retryable: true })

  const proxy = await forward(Number(away.port), Number(target.port || 5432), target.hostname || 'localhost')
  onTestFinished(() => void proxy.close())
  await whenReady(server)
  expect(await executeAt(server, '{ __typename }')).toEqual({ data: { __typename: 'Query' } })
  expect(output.match(/The database cannot be reached/g)).toHaveLength(1)
  expect(await stopBuilt(server)).toBe(0)
})

test('it answers health checks with the prefix of the path, too', async () => {
  const DATABASE_URL = `postgres://nobody@127.0.0.1:${await findFreePort()}/none`
  const server = await startBuilt({ env: { DATABASE_URL, BASE_PATH: '/onboarding' } })
  await expect.poll(() => statusOf(`${server.url}/onboarding/livez`), { timeout: 30_000 }).toBe(200)
  expect(await statusOf(`${server.url}/livez?probe`)).toBe(200)
  expect(await (await fetch(`${server.url}/onboarding/readyz`)).json()).toEqual({ ready: false, database: 'AWAY' })
})

test('it stops at once while it waits', async () => {
  const DATABASE_URL = `postgres://nobody@127.0.0.1:${await findFreePort()}/none`
  const server = await startBuilt({ env: { DATABASE_URL } })
  await expect.poll(() => statusOf(`${server.url}/livez`), { timeout: 30_000 }).toBe(200)
  expect(await stopBuilt(server)).toBe(0)
})

/** A TCP proxy. */
async function forward(port: number, target: number, host: string): Promise<Server> {
  const server = createServer(incoming => {
    const outgoing = connect(target, host)
    for (const socket of [incoming, outgoing]) {
      socket
        .on('error', () => {})
        .on('close', () => {
          incoming.destroy()
          outgoing.destroy()
        })
    }
    incoming.pipe(outgoing).pipe(incoming)
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  return server
}
