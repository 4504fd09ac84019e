import { once } from 'node:events'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import { type AdmissionControl, createAdmissionControl } from '../../src/http/admission/admission-control.ts'
import { RequestScheduler } from '../../src/http/admission/request-scheduler.ts'
import { createHttpServer } from '../../src/http/server.ts'
import { until } from '../harness/waiting.ts'

/** Requests that block the event loop: requests that arrive meanwhile must be counted. */

const MOST = 4
const LIMITS = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 10_000,
  keepAliveTimeoutMs: 10_000,
  stalledTimeoutMs: 10_000,
  maxHeaderBytes: 16_384,
}

let server: Server | undefined
afterEach(() => new Promise(resolve => server?.close(resolve).closeAllConnections()))

/** Blocks the event loop. */
function spin(ms: number): void {
  for (const began = performance.now(); performance.now() - began < ms; );
}

/** A server whose requests run `work` synchronously. */
async function startBusy(
  work: (path: string) => void,
): Promise<{ url: string; admission: AdmissionControl; begun: string[] }> {
  const scheduler = new RequestScheduler()
  const admission = createAdmissionControl(MOST, scheduler, () => ({ key: 'known', token: null }), {
    isShort: () => false,
    own: () => {},
  })
  const begun: string[] = []
  const respond = (url: string, response: ServerResponse) => {
    begun.push(url)
    work(url)
    response.end()
  }
  const listening = createHttpServer(
    admission.wrap(({ url = '' }, response) => respond(url, response)),
    LIMITS,
  )
  scheduler.observe(listening)
  server = listening
  await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`, admission, begun }
}

/** Runs in a worker thread: opens the connections, sends a request on each, and reports the statuses in their order. */
const CLIENTS = `
  const { connect } = require('node:net')
  const { parentPort, workerData: { port, count, sent } } = require('node:worker_threads')
  const statuses = []
  let written = 0
  for (let index = 0; index < count; index++) {
    const socket = connect(port, '127.0.0.1', () => socket.write('GET /late HTTP/1.1\\r\\nhost: a\\r\\nconnection: close\\r\\n\\r\\n', () => {
      written++
      if (written < count) return
      Atomics.store(sent, 0, 1)
      Atomics.notify(sent, 0)
    }))
    let text = ''
    socket.on('data', data => (text += data))
    socket.on('close', () => statuses.push(Number(text.slice(9, 12))) === count && parentPort.postMessage(statuses))
  }
`

test('connections that arrive while the processor is busy are counted, and the excess is refused before the others run', async () => {
  const sent = new Int32Array(new SharedArrayBuffer(4))
  const { url, admission, begun } = await startBusy(path => {
    // The first request blocks the event loop until all others were sent.
    if (path === '/first') Atomics.wait(sent, 0, 0, 10_000)
    else spin(20)
  })
  const clients = new Worker(CLIENTS, { eval: true, workerData: { port: Number(new URL(url).port), count: 40, sent } })
  const statuses = once(clients, 'message')
  await fetch(`${url}/first`)
  const [replies] = (await statuses) as [number[]]

  expect(replies.filter(status => status === 503).length).toBe(admission.refused)
  expect(replies.filter(status => status === 200).length).toBe(begun.length - 1)
  expect(replies.length).toBe(40)
  // Without a scheduler each request is accepted after the one before, and none is refused.
  expect(admission.refused).toBeGreaterThan(0)
  expect(replies.indexOf(503)).toBeLessThan(replies.lastIndexOf(200))
})

test('requests start in the order of arrival, and those of disconnected clients do not start', async () => {
  const { url, admission, begun } = await startBusy(() => spin(30))
  const disconnect = new AbortController()
  const first = fetch(`${url}/first`)
  await until(() => begun.length === 1)
  const second = fetch(`${url}/second`)
  const third = fetch(`${url}/third`, { signal: disconnect.signal }).catch(() => 'left')
  const fourth = fetch(`${url}/fourth`)
  disconnect.abort()
  await Promise.all([first, second, third, fourth])

  expect(begun.filter(path => path !== '/third')).toEqual(['/first', '/second', '/fourth'])
  expect(admission.inFlight).toBe(0)
})
