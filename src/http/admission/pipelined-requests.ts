import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The most requests of a connection that wait for the responses before theirs. */
const MAX_WAITING = 16

/**
 * Handles one request of a connection at a time: the next one of a pipeline starts when the response before it was written to
 * the network. What a client does not read is unsent on its connection then, where it is counted, and nothing of a waiting
 * request is parsed or executed. A connection on which more requests wait is closed.
 */
export function createPipelining(): (listener: RequestListener) => RequestListener {
  const waiting = new WeakMap<Socket, number>()

  function wait(listener: RequestListener, request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const count = (waiting.get(socket) ?? 0) + 1
    // Node parses the rest of what it has read.
    if (socket.destroyed) return
    if (count > MAX_WAITING) return void socket.destroy()
    waiting.set(socket, count)
    response.once('socket', () => {
      waiting.set(socket, (waiting.get(socket) ?? 1) - 1)
      // Node is about to write what the response has so far.
      process.nextTick(() => {
        if (socket.writable) listener(request, response)
      })
    })
  }

  return listener => (request, response) => {
    // Node gives a response its socket when it is its turn.
    if (response.socket) listener(request, response)
    else wait(listener, request, response)
  }
}
