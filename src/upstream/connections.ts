import { buildConnector, type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici'

/** The forward proxies of a company network; hosts of `noProxy` are reached directly. */
export interface ProxyOptions {
  readonly httpProxy?: string
  readonly httpsProxy?: string
  /** Hosts with commas between them, as in NO_PROXY. This machine is never reached through a proxy. */
  readonly noProxy?: string
}

export interface ConnectionOptions {
  readonly origin: string
  readonly connections: number
  /** How long connecting may take, to a proxy and through it included. */
  readonly connectMs: number
  readonly proxy?: ProxyOptions
}

/** Connecting failed, so nothing was sent: DNS, refused, timeout, TLS, or a proxy that refuses. */
export class NotConnectedError extends Error {}

/** A pool of connections to one origin, through a proxy where one is set for it. */
export function openConnections({ origin, connections, connectMs, proxy }: ConnectionOptions): Dispatcher {
  const options = { connections, pipelining: 1 }
  if (!proxy?.httpProxy && !proxy?.httpsProxy) {
    return new Pool(origin, { ...options, connect: connectWithin(connectMs, buildConnector({ timeout: connectMs })) })
  }
  return new EnvHttpProxyAgent({
    // An absent option would be read from the environment.
    httpProxy: proxy.httpProxy ?? '',
    httpsProxy: proxy.httpsProxy ?? '',
    noProxy: [...LOCAL, proxy.noProxy ?? ''].join(','),
    factory: (target, given) =>
      new Pool(target, { ...options, connect: connectWithin(connectMs, connectorOf(given, connectMs)) }),
  })
}

const LOCAL = ['localhost', '127.0.0.1', '::1']

/** A proxy agent passes the function that connects through the proxy. */
function connectorOf(given: object, timeout: number): buildConnector.connector {
  const { connect } = given as { connect?: unknown }
  return typeof connect === 'function' ? (connect as buildConnector.connector) : buildConnector({ timeout })
}

/** undici ignores a request's signal while it waits for a connection, so connecting has its own timeout. */
function connectWithin(timeoutMs: number, connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    let isDone = false
    const fail = (cause: unknown) => {
      if (isDone) return
      isDone = true
      clearTimeout(timer)
      callback(new NotConnectedError('No connection.', { cause }), null)
    }
    const timer = setTimeout(fail, timeoutMs, new Error('Connecting timed out.'))
    connect(options, (...[error, socket]) => {
      if (error) return fail(error)
      if (isDone) return void socket.destroy()
      isDone = true
      clearTimeout(timer)
      callback(null, socket)
    })
  }
}
