import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { type AdmissionControl, createAdmissionControl } from '../../src/http/admission/admission-control.ts'
import { RequestScheduler } from '../../src/http/admission/request-scheduler.ts'
import { createHttpServer } from '../../src/http/server.ts'

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
async function startBusy(ms: number): Promise<{ url: string; admission: AdmissionControl; begun: string[] }> {
  const scheduler = new RequestScheduler()
  const admission = createAdmissionControl(MOST, scheduler)
  const begun: string[] = []
  const work = (url: string, response: ServerResponse) => {
    begun.push(url)
    for (const began = performance.now(); performance.now() - began < ms; );
    response.end()
  }
  const listening = createHttpServer(
    admission.wrap(({ url = '' }, response) => work(url, response)),
    LIMITS,
  )
  scheduler.observe(listening)
  server = listening
  await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`, admission, begun }
}

test('connections that come while the processor is busy are counted, and the excess is refused before what has room is done', async () => {
  const { url, admission, begun } = await startBusy(20)
  let answered = 0
  const requests = Array.from({ length: 40 }, async () => {
    const { status } = await fetch(url)
    return { status, place: answered++ }
  })
  const replies = await Promise.all(requests)
  const placesOf = (wanted: number) => replies.filter(({ status }) => status === wanted).map(({ place }) => place)

  expect(placesOf(503).length).toBe(admission.refused)
  expect(placesOf(200).length).toBe(begun.length)
  expect(admission.refused + begun.length).toBe(40)
  expect(admission.refused).toBeGreaterThan(20)
  expect(Math.min(...placesOf(503))).toBeLessThan(Math.max(...placesOf(200)))
})

test('requests are begun in the order in which they came, and who left meanwhile is not begun', async () => {
  const { url, admission, begun } = await startBusy(30)
  const disconnect = new AbortController()
  const first = fetch(`${url}/first`)
  await vi.waitUntil(() => begun.length === 1)
  const second = fetch(`${url}/second`)
  const third = fetch(`${url}/third`, { signal: disconnect.signal }).catch(() => 'left')
  const fourth = fetch(`${url}/fourth`)
  disconnect.abort()
  await Promise.all([first, second, third, fourth])

  expect(begun.filter(path => path !== '/third')).toEqual(['/first', '/second', '/fourth'])
  expect(admission.inFlight).toBe(0)
})
