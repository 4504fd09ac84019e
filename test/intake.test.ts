import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { createGate, type Gate } from '../src/server/gate.ts'
import { Intake } from '../src/server/intake.ts'
import { createListener } from '../src/server/listener.ts'

/** Requests that keep the processor busy: whoever comes meanwhile is seen. */

const MOST = 4
const LIMITS = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 10_000,
  keepAliveTimeoutMs: 10_000,
  maxHeaderBytes: 16_384,
}

let server: Server | undefined
afterEach(() => new Promise(resolve => server?.close(resolve).closeAllConnections()))

/** A server whose every request takes the processor for so long. */
async function startBusy(ms: number): Promise<{ url: string; gate: Gate; begun: string[] }> {
  const intake = new Intake()
  const gate = createGate(MOST, intake)
  const begun: string[] = []
  const work = (url: string, response: ServerResponse) => {
    begun.push(url)
    for (const began = performance.now(); performance.now() - began < ms; );
    response.end()
  }
  const listening = createListener(
    gate.before(({ url = '' }, response) => work(url, response)),
    LIMITS,
  )
  intake.watch(listening)
  server = listening
  await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`, gate, begun }
}

test('connections that come while the processor is busy are counted, and the excess is refused before what has room is done', async () => {
  const { url, gate, begun } = await startBusy(20)
  let answered = 0
  const asked = Array.from({ length: 40 }, async () => {
    const { status } = await fetch(url)
    return { status, place: answered++ }
  })
  const replies = await Promise.all(asked)
  const placesOf = (wanted: number) => replies.filter(({ status }) => status === wanted).map(({ place }) => place)

  expect(placesOf(503).length).toBe(gate.refused)
  expect(placesOf(200).length).toBe(begun.length)
  expect(gate.refused + begun.length).toBe(40)
  expect(gate.refused).toBeGreaterThan(20)
  expect(Math.min(...placesOf(503))).toBeLessThan(Math.max(...placesOf(200)))
})

test('requests are begun in the order in which they came, and who left meanwhile is not begun', async () => {
  const { url, gate, begun } = await startBusy(30)
  const leaving = new AbortController()
  const first = fetch(`${url}/first`)
  await vi.waitUntil(() => begun.length === 1)
  const second = fetch(`${url}/second`)
  const third = fetch(`${url}/third`, { signal: leaving.signal }).catch(() => 'left')
  const fourth = fetch(`${url}/fourth`)
  leaving.abort()
  await Promise.all([first, second, third, fourth])

  expect(begun.filter(path => path !== '/third')).toEqual(['/first', '/second', '/fourth'])
  expect(gate.inFlight).toBe(0)
})
