/** What this server uses of the package. Its published types are those of Express, which need Express's request. */
declare module 'compression' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  function compression(options: {
    readonly threshold: number
    readonly filter: (request: IncomingMessage, response: ServerResponse) => boolean
  }): (request: IncomingMessage, response: ServerResponse, next: () => void) => void

  export = compression
}
