import { connect, createServer, type Socket } from 'node:net'

/** What stands between a server and its database: it passes all on, drops all, or says nothing any more. */
export interface FlakyNetwork {
  readonly port: number
  /** From now on new connections are refused and those there were are cut, or all is well again. */
  setUp(up: boolean): void
  /** From now on nothing comes through either way, and nobody is told; or all is well again, but for those that hung. */
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
