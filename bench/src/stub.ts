import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { kayleCreated, kayleSession, rapidlyCustomer, yorletApplicants } from './world.ts'

/**
 * One provider in its own process: responds after `latencyMs`, and counts the requests. The parent sets the latency and
 * reads the count.
 */

let latencyMs = 0
let requests = 0
let created = 1_000_000_000

const server = createServer(async (request, response) => {
  requests++
  const began = performance.now()
  let body = ''
  if (request.method === 'POST') for await (const chunk of request) body += chunk
  const found = toAnswer(request.url ?? '', body)
  const answer = JSON.stringify(found ?? NOT_FOUND)
  if (latencyMs > 0) await sleep(latencyMs - (performance.now() - began))
  response.writeHead(found ? 200 : 404, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(answer),
  })
  response.end(answer)
})

const NOT_FOUND = { data: null, error: { code: 'not_found', message: 'The record is missing.' } }

/** Undefined for an id that no record has. Our server reads one to test an open circuit. */
function toAnswer(url: string, body: string): unknown {
  const [path = ''] = url.split('?')
  const last = path.split('/').filter(Boolean)
  if (path === '/v1/sessions') return { data: kayleCreated(created++, JSON.parse(body).redirect_url), error: null }
  if (last[1] === 'sessions')
    return at(numberIn(last[2], 'vs_live_', 36), n => ({ data: kayleSession(n), error: null }))
  if (last[0] === 'customers') return at(numberIn(last[1]?.slice(-12), '', 16), rapidlyCustomer)
  if (last[0] === 'applications') return at(numberIn(last[1], 'app_', 36), yorletApplicants)
  throw new Error(`Unexpected request: ${url}.`)
}

function at<T>(n: number, toRecord: (n: number) => T): T | undefined {
  return Number.isSafeInteger(n) ? toRecord(n) : undefined
}

function numberIn(id: string | undefined, prefix: string, base: number): number {
  return Number.parseInt(id?.slice(prefix.length) ?? '', base)
}

server.keepAliveTimeout = 60_000
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})
process.on('message', (reported: { latencyMs?: number }) => {
  latencyMs = reported.latencyMs ?? latencyMs
  process.send?.({ requests })
})
process.on('disconnect', () => process.exit(0))
