import { createServer, type ServerResponse } from 'node:http'
import { toErrorBody } from '../http/errors/error-body.ts'
import { withoutPrefix } from '../http/server.ts'
import { listen } from './start-server.ts'

/** Answers health checks while the server waits for its database. */
export interface StartupServer {
  close(): Promise<void>
}

const RETRY_AFTER_SECONDS = 1

/** `/livez`: 200. `/readyz` and every other path: 503. Paths may begin with `basePath`. */
export async function openStartupServer(port: number, host: string, basePath = ''): Promise<StartupServer> {
  const server = createServer(({ url = '' }, response) => {
    const [path] = withoutPrefix(url, basePath).split('?')
    if (path === '/livez') respond(response, 200, 'text/plain; charset=utf-8', 'ok\n')
    else if (path === '/readyz') respondUnready(response, JSON.stringify({ ready: false, database: 'AWAY' }))
    else respondUnready(response, toErrorBody('The server is starting. Send the request again in a second.', STARTING))
  })
  await listen(server, port, host)
  return {
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const STARTING = { code: 'OVERLOADED', retryable: true, retryAfterSeconds: RETRY_AFTER_SECONDS } as const

function respondUnready(response: ServerResponse, body: string): void {
  response.setHeader('retry-after', String(RETRY_AFTER_SECONDS))
  respond(response, 503, 'application/json; charset=utf-8', body)
}

function respond(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', connection: 'close' }).end(body)
}
