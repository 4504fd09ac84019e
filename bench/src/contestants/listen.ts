import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Listens on a free port of this machine and prints the URL, as our server does. */
export function listenHere(server: Server): void {
  server.listen(0, '127.0.0.1', () => announce((server.address() as AddressInfo).port))
  process.once('SIGTERM', () => process.exit(0))
}

export function announce(port: number): void {
  console.log(`http://127.0.0.1:${port}/graphql`)
}
