import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClock } from './clock.ts'
import { controlRoutes } from './control.ts'
import { createRequestLog } from './request-log.ts'
import { createRouter } from './router.ts'
import type { Answer, SandboxDefinition, SandboxRequest } from './sandbox.ts'
import { createStore, readState, writeState } from './store.ts'

export interface SandboxOptions {
  /** 0 for any free port. */
  readonly port: number
  /** Where its objects outlive the process; absent: in memory only. */
  readonly file?: string
}

export interface RunningSandbox {
  /** Where the provider's client points to: origin and base path. */
  readonly baseUrl: string
  readonly origin: string
  close(): Promise<void>
}

const MAX_BODY_BYTES = 4 * 1024 * 1024

/** Serves one provider's sandbox on localhost. Rejects where the port is taken. */
export async function startSandbox(definition: SandboxDefinition, options: SandboxOptions): Promise<RunningSandbox> {
  const server = createServer()
  await listen(server, options.port)
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`

  const saved = options.file ? readState(options.file) : undefined
  const clock = createClock(saved?.offsetSeconds)
  const store = createStore(saved?.objects)
  const log = createRequestLog()
  const parts = definition.open({ clock, origin, isNew: store.isNew, collection: store.collection })
  const find = createRouter([
    ...controlRoutes(store, clock, log, parts),
    ...parts.routes.map(route => ({ ...route, path: definition.basePath + route.path })),
  ])
  const save = () =>
    options.file && writeState(options.file, { offsetSeconds: clock.offsetSeconds, objects: store.toJSON() })
  save()

  async function answer(request: SandboxRequest): Promise<Answer> {
    const match = find(request.method, request.path)
    const asked = { ...request, params: match?.params ?? {} }
    const given = match ? await match.route.answer(asked) : parts.unmatched(asked)
    if (request.method !== 'GET') save()
    if (request.path.startsWith('/_sandbox/')) return given
    const full = { ...given, headers: { ...parts.headers?.(asked), ...given.headers } }
    log.add(asked, full)
    return full
  }

  server.on('request', (incoming, response) => {
    readRequest(incoming)
      .then(answer)
      .then(given => write(response, given))
      .catch((error: unknown) => {
        console.error('sandbox:', error)
        response.destroy()
      })
  })
  return { origin, baseUrl: origin + definition.basePath, close: () => close(server) }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, 'localhost', resolve)
  })
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

async function readRequest(incoming: IncomingMessage): Promise<SandboxRequest> {
  const url = new URL(incoming.url ?? '/', 'http://localhost')
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming) {
    size += chunk.length
    if (size <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    params: {},
    query: url.searchParams,
    headers: Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
    ),
    body: Buffer.concat(chunks),
  }
}

function write(response: ServerResponse, answer: Answer): void {
  const body = answer.json === undefined ? (answer.text ?? '') : JSON.stringify(answer.json)
  const type = answer.json === undefined ? 'text/plain; charset=UTF-8' : 'application/json'
  response.writeHead(answer.status, { ...(body && { 'content-type': type }), ...answer.headers }).end(body)
}
