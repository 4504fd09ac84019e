import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isLoopbackHostHeader } from '../domain/input/hosts.ts'
import { createClock } from './clock.ts'
import { controlRoutes } from './control.ts'
import { applyFault } from './faults/apply-fault.ts'
import { createFaults } from './faults/faults.ts'
import { hostedRoutes } from './pages/hosted-pages.ts'
import { readRequest } from './read-request.ts'
import { createRequestLog } from './request-log.ts'
import { createRouter } from './router.ts'
import type { SandboxDefinition, SandboxRequest } from './sandbox.ts'
import { type SandboxOutput, type SandboxReply, sendResponse, toReply } from './send-response.ts'
import { createStore, readState, writeState } from './store.ts'
import { webhookRoutes } from './webhooks/webhook-routes.ts'
import { createWebhookSender, type WebhookSender } from './webhooks/webhooks.ts'

export interface SandboxOptions {
  /** 0 for any free port. */
  readonly port: number
  /** The folder for persistent objects; absent: in memory only. */
  readonly file?: string
  /** The provider's version to implement. */
  readonly version?: string
}

export interface RunningSandbox {
  /** The base URL for the provider's client: origin and base path. */
  readonly baseUrl: string
  readonly origin: string
  close(): Promise<void>
}

/** Serves one provider's sandbox on localhost. Rejects if the port is in use. */
export async function startSandbox(definition: SandboxDefinition, options: SandboxOptions): Promise<RunningSandbox> {
  const server = createServer()
  await listen(server, options.port)
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`

  const saved = options.file ? readState(options.file) : undefined
  const clock = createClock(saved?.offsetSeconds)
  const store = createStore(saved?.objects)
  const log = createRequestLog()
  const faults = createFaults()
  const sender = createWebhookSender(definition.signWebhook)
  const { collection, isNew } = store
  const parts = definition.open({ clock, origin, isNew, version: options.version, collection, emit: sender.emit })
  const pages = hostedRoutes(parts)
  const findPage = createRouter(pages)
  const find = createRouter([
    ...controlRoutes({ store, clock, log, faults, parts }),
    ...webhookRoutes(sender),
    ...pages,
    ...parts.routes.map(route => ({ ...route, path: definition.basePath + route.path })),
  ])
  const save = () =>
    options.file && writeState(options.file, { offsetSeconds: clock.offsetSeconds, objects: store.toJSON() })
  save()

  /** Control calls are not logged and have no faults and no headers of the provider. */
  const isOurs = ({ method, path }: SandboxRequest) =>
    path.startsWith('/_sandbox/') || findPage(method, path) !== undefined

  async function carryOut(request: SandboxRequest): Promise<SandboxReply> {
    const match = find(request.method, request.path)
    const matched = { ...request, params: match?.params ?? {} }
    const given = match ? await match.route.answer(matched) : parts.unmatched(matched)
    if (request.method !== 'GET') save()
    if (isOurs(request)) return toReply(given)
    return toReply({ ...given, headers: { ...parts.headers?.(matched), ...given.headers } })
  }

  async function serve(request: SandboxRequest, response: ServerResponse): Promise<void> {
    if (isOurs(request)) return sendResponse(response, await carryOut(request))
    const chosen = faults.choose(request)
    const delivery = await applyFault(chosen, () => carryOut(request))
    log.add(request, statusOf(delivery), chosen.kinds)
    await sendResponse(response, delivery, chosen.waitMs)
  }

  server.on('request', (incoming, response) => {
    // A page of another site, whose name resolves to loopback, cannot use the sandbox.
    if (!isLoopbackHostHeader(incoming.headers.host ?? 'localhost')) {
      response
        .writeHead(421, { 'content-type': 'text/plain' })
        .end('Expected a Host header of this machine, such as localhost.\n')
      return
    }
    readRequest(incoming)
      .then(request => serve(request, response))
      .catch((error: unknown) => {
        console.error('sandbox:', error)
        response.destroy()
      })
  })
  return { origin, baseUrl: origin + definition.basePath, close: () => close(server, sender) }
}

function statusOf(delivery: SandboxOutput): number | null {
  return typeof delivery === 'string' ? null : delivery.status
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, 'localhost', resolve)
  })
}

function close(server: Server, sender: WebhookSender): Promise<void> {
  sender.close()
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
