import { Pool } from 'undici'

/** GET and POST to one provider through a bounded pool. Identical concurrent reads share one request. */
export function createPoolClient(baseUrl: string, authorization: string) {
  const { origin, pathname } = new URL(baseUrl)
  const pool = new Pool(origin, { connections: 32, pipelining: 1 })
  const prefix = pathname.replace(/\/$/, '')
  const flights = new Map<string, Promise<unknown>>()
  const headers = { accept: 'application/json', authorization }

  async function send<T>(method: 'GET' | 'POST', path: string, body?: string): Promise<T> {
    const sent = body === undefined ? headers : { ...headers, 'content-type': 'application/json' }
    const answer = await pool.request({ method, path: prefix + path, headers: sent, body })
    if (answer.statusCode >= 300) throw new Error(`${path} answered ${answer.statusCode}.`)
    return (await answer.body.json()) as T
  }

  function get<T>(path: string): Promise<T> {
    const known = flights.get(path)
    // The path determines the resource, and so its type.
    if (known) return known as Promise<T>
    const flight = send<T>('GET', path).finally(() => flights.delete(path))
    flights.set(path, flight)
    return flight
  }

  return { get, post: <T>(path: string, body: string) => send<T>('POST', path, body) }
}
