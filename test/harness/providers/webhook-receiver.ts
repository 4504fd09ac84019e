import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { RawDelivery } from '../../../src/providers/contract.ts'

export interface Receiver {
  readonly url: string
  /** The received deliveries, in order. */
  readonly got: readonly RawDelivery[]
}

/** Receives webhooks. `answer` returns the status for the nth delivery, from 0, or 'HANG' for no response. */
export async function startReceiver(answer: (nth: number) => number | 'HANG' = () => 204): Promise<Receiver> {
  const got: RawDelivery[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)])
    const status = answer(got.push({ headers: Object.fromEntries(headers), body: Buffer.concat(chunks) }) - 1)
    if (status !== 'HANG')
      response.writeHead(status, status < 300 || status > 399 ? {} : { location: '/elsewhere' }).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, got }
}
