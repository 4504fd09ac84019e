import { randomUUID } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'

/** Answers health checks while the server waits for its database. */
export interface StartupServer {
  close(): Promise<void>
}

const RETRY_AFTER_SECONDS = '1'

/** `/livez`: 200. `/readyz` and every other path: 503. Paths may begin with `basePath`. */
export async function openStartupServer(port: number, host: string, basePath = ''): Promise<StartupServer> {
  const server = createServer(({ url = '' }, response) => {
    const [path = ''] = url.split('?')
    const isFor = (name: string) => path === name || path === basePath + name
    if (isFor('/livez')) respond(response, 200, 'text/plain; charset=utf-8', 'ok\n')
    else if (isFor('/readyz')) respondJson(response, { ready: false, database: 'AWAY' })
    else respondJson(response, { errors: [{ message: 'The server is starting.', extensions: errorDetails() }] })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function errorDetails() {
  return {
    code: 'OVERLOADED',
    retryable: true,
    retryAfterSeconds: Number(RETRY_AFTER_SECONDS),
    requestId: randomUUID(),
  }
}

function respondJson(response: ServerResponse, body: object): void {
  respond(response, 503, 'application/json; charset=utf-8', JSON.stringify(body))
}

function respond(response: ServerResponse, status: number, type: string, body: string): void {
  const headers = { 'content-type': type, 'cache-control': 'no-store', connection: 'close' }
  response.writeHead(status, status === 503 ? { ...headers, 'retry-after': RETRY_AFTER_SECONDS } : headers).end(body)
}
