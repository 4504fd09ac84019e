import type { RawData, WebSocket } from 'ws'
import type { RequestScheduler } from '../admission/request-scheduler.ts'

export interface MessageHandlers {
  onMessage(message: Buffer): Promise<void>
  /** The ping of the WebSocket itself, beside those of the protocol. */
  onPing(data: Buffer): Promise<void>
  onFailure(error: unknown): void
}

export interface MessageTurns {
  /** Resolves when all that arrived together was handled, so that a cancel counts before its operation starts. */
  whenHandled(): Promise<void>
}

/**
 * Handles what a client sends one after another, each message in its turn among those of all connections and all requests.
 * Meanwhile nothing more is read from the connection.
 */
export function handleInTurns(
  socket: WebSocket,
  scheduler: Pick<RequestScheduler, 'waitForTurn'>,
  { onMessage, onPing, onFailure }: MessageHandlers,
): MessageTurns {
  const waiting: (() => Promise<void>)[] = []
  const resolvers: (() => void)[] = []
  let isHandling = false

  async function handleWaiting(): Promise<void> {
    isHandling = true
    socket.pause()
    for (let handle = waiting.shift(); handle; handle = waiting.shift()) {
      await scheduler.waitForTurn()
      await handle().catch(onFailure)
    }
    isHandling = false
    socket.resume()
    for (const resolve of resolvers.splice(0)) resolve()
  }

  function add(handle: () => Promise<void>): void {
    waiting.push(handle)
    if (!isHandling) void handleWaiting()
  }

  socket.on('message', (data: RawData) => {
    const bytes = data as Buffer
    add(() => onMessage(bytes))
  })
  socket.on('ping', (data: Buffer) => add(() => onPing(data)))
  return {
    whenHandled: async () => {
      if (isHandling) await new Promise<void>(resolve => resolvers.push(resolve))
    },
  }
}
