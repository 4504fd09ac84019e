import { connect } from 'node:net'
import type { Config } from '../../app/config.ts'
import { loopbackUrl } from '../../app/server-url.ts'
import { type Finding, note, ok, problem } from './finding.ts'

/** The checks of this machine: Node, the proxies, and the server that runs here. */

const TIMEOUT_MS = 2_000
/** The versions that the tests run with: the lowest minor version of each. */
const NODE_VERSIONS: ReadonlyMap<number, number> = new Map([
  [20, 19],
  [22, 0],
  [24, 0],
])

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const required = NODE_VERSIONS.get(major)
  if (required !== undefined && minor >= required) return ok('node', `Node ${version}.`)
  const advice = 'Use Node 20.19 or later, 22 or 24.'
  if (major < 20 || required !== undefined) return problem('node', `Node ${version} is too old. ${advice}`)
  return note('node', `Node ${version} is not tested. ${advice}`)
}

/** Connects to each proxy, without a request through it. */
export async function checkProxies({ server }: Config): Promise<Finding[]> {
  const { HTTP_PROXY, HTTPS_PROXY, NO_PROXY } = server
  const proxies = [...new Set([HTTP_PROXY, HTTPS_PROXY].filter(url => url !== undefined))]
  if (proxies.length === 0) return [ok('proxy', 'None is set: providers are called directly.')]
  const direct = NO_PROXY ? ` Not for ${NO_PROXY}.` : ''
  return Promise.all(
    proxies.map(async url => {
      const { host, hostname, port, protocol } = new URL(url)
      const isOpen = await accepts(hostname.replace(/^\[|\]$/g, ''), Number(port) || (protocol === 'https:' ? 443 : 80))
      if (isOpen) return ok('proxy', `${host} accepts connections.${direct}`)
      return problem('proxy', `${host} accepts no connections. Check HTTP_PROXY and HTTPS_PROXY.`)
    }),
  )
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port, timeout: TIMEOUT_MS })
    const end = (isOpen: boolean) => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
    socket.once('timeout', () => end(false))
  })
}

/** The server with these settings on this machine. */
export interface LocalServer {
  readonly finding: Finding
  /** Its address; undefined if none answers. */
  readonly url?: string
  /** True if its database file is no longer at its path. */
  readonly isReplaced?: boolean
}

export async function findLocalServer({ server }: Config): Promise<LocalServer> {
  const origin = server.PORT === 0 ? undefined : loopbackUrl(server.HOST, server.PORT)
  if (!origin) return { finding: note('server', 'Not checked: HOST and PORT name no address of this machine.') }
  const url = origin + (server.BASE_PATH ?? '')
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    const body = (await response.json()) as { database?: unknown }
    if (response.ok) return { url, finding: ok('server', `It runs at ${url} and is ready.`) }
    return {
      url,
      isReplaced: body.database === 'REPLACED',
      finding: problem('server', `It runs at ${url} and is not ready: ${JSON.stringify(body)}.`),
    }
  } catch {
    return { finding: note('server', `None answers at ${url}. Start it with \`sessiongraph serve\`.`) }
  }
}

/** Sends a delivery without a signature: the server that has the endpoint rejects it with 401. */
export async function checkDelivery(baseUrl: string, path: string, check: string): Promise<Finding> {
  const url = baseUrl.replace(/\/$/, '') + path
  try {
    const init = { method: 'POST', body: '{}', signal: AbortSignal.timeout(TIMEOUT_MS) }
    const { status } = await fetch(url, {
      ...init,
      headers: { 'content-type': 'application/json' },
      redirect: 'manual',
    })
    if (status === 401) return ok(check, `${url} reaches the server.`)
    return problem(check, `${url} does not reach the endpoint: status ${status} instead of 401.`)
  } catch {
    return problem(check, `${url} cannot be reached from this machine.`)
  }
}
