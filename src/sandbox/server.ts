import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClock } from './clock.ts'
import { controlRoutes } from './control.ts'
import { type Delivery, deliver, type Reply, toReply } from './delivery.ts'
import { createFaults } from './faults.ts'
import { faulty } from './faulty.ts'
import { hostedRoutes } from './hosted.ts'
import { readRequest } from './read-request.ts'
import { createRequestLog } from './request-log.ts'
import { createRouter } from './router.ts'
import type { SandboxDefinition, SandboxRequest } from './sandbox.ts'
import { createStore, readState, writeState } from './store.ts'
import { webhookRoutes } from './webhook-routes.ts'
import { createWebhookSender, type WebhookSender } from './webhooks.ts'

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

/** Serves one provider's sandbox on localhost. Rejects where the port is taken. */
export async function startSandbox(definition: SandboxDefinition, options: SandboxOptions): Promise<RunningSandbox> {
  const server = createServer()
  await listen(server, options.port)
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`

  const saved = options.file ? readState(options.file) : undefined
  const clock = createClock(saved?.offsetSeconds)
  const store = createStore(saved?.objects)
  const log = createRequestLog()
  const faults = createFaults()
  const sender = createWebhookSender(definition.packWebhook)
  const { collection, isNew } = store
  const parts = definition.open({ clock, origin, isNew, collection, emit: sender.emit })
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

  /** Beside the provider's API: no log, no fault and none of its headers. */
  const isOurs = ({ method, path }: SandboxRequest) =>
    path.startsWith('/_sandbox/') || findPage(method, path) !== undefined

  async function carryOut(request: SandboxRequest): Promise<Reply> {
    const match = find(request.method, request.path)
    const asked = { ...request, params: match?.params ?? {} }
    const given = match ? await match.route.answer(asked) : parts.unmatched(asked)
    if (request.method !== 'GET') save()
    if (isOurs(request)) return toReply(given)
    return toReply({ ...given, headers: { ...parts.headers?.(asked), ...given.headers } })
  }

  async function serve(request: SandboxRequest, response: ServerResponse): Promise<void> {
    if (isOurs(request)) return deliver(response, await carryOut(request))
    const chosen = faults.choose(request)
    const delivery = await faulty(chosen, () => carryOut(request))
    log.add(request, statusOf(delivery), chosen.kinds)
    await deliver(response, delivery, chosen.waitMs)
  }

  server.on('request', (incoming, response) => {
    readRequest(incoming)
      .then(request => serve(request, response))
      .catch((error: unknown) => {
        console.error('sandbox:', error)
        response.destroy()
      })
  })
  return { origin, baseUrl: origin + definition.basePath, close: () => close(server, sender) }
}

function statusOf(delivery: Delivery): number | null {
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
