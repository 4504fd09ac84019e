import { connect, createServer, type Socket } from 'node:net'

/** A TCP proxy between a server and its database that can refuse, close or stall connections. */
export interface FlakyNetwork {
  readonly port: number
  /** False: closes all connections and refuses new ones. True: accepts connections again. */
  setUp(up: boolean): void
  /** True: drops all data in both directions on open connections. False: forwards again, and closes stalled connections. */
  setSilent(silent: boolean): void
  close(): Promise<void>
}

export async function startFlakyNetwork(target: { host: string; port: number }): Promise<FlakyNetwork> {
  const pairs = new Set<Socket[]>()
  let up = true
  let silent = false

  function cutAll(): void {
    for (const sockets of pairs) for (const socket of sockets) socket.destroy()
  }

  const server = createServer(incoming => {
    if (!up) return void incoming.destroy()
    const outgoing = connect(target)
    const pair = [incoming, outgoing]
    pairs.add(pair)
    const pass = (from: Socket, to: Socket) => {
      from.on('data', chunk => !silent && to.write(chunk))
      from.on('error', () => {})
      from.on('close', () => {
        pairs.delete(pair)
        to.destroy()
      })
    }
    pass(incoming, outgoing)
    pass(outgoing, incoming)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    setUp: value => {
      up = value
      if (!up) cutAll()
    },
    setSilent: value => {
      silent = value
      if (!silent) cutAll()
    },
    close: () => {
      cutAll()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}
