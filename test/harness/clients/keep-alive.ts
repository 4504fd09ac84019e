import { Agent, type IncomingHttpHeaders, request as send } from 'node:http'
import { text } from 'node:stream/consumers'
import { API_KEY } from '../app/test-app.ts'

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of its response
  readonly body: any
}

/** A client that reuses its connections, as a load balancer does. */
export function createClient(maxSockets = Number.POSITIVE_INFINITY) {
  const agent = new Agent({ keepAlive: true, maxSockets })

  function exchange(url: string, body?: unknown): Promise<Reply> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` }
    return new Promise((resolve, reject) => {
      const outgoing = send(url, { agent, headers, method: body === undefined ? 'GET' : 'POST' }, response => {
        text(response).then(output => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parse(output) })
        }, reject)
      })
      outgoing.once('error', reject).end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  return { exchange, close: () => agent.destroy() }
}

function parse(output: string): unknown {
  try {
    return JSON.parse(output)
  } catch {
    return output
  }
}
