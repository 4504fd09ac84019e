/** What is open over WebSocket on this instance. */
export interface WebSocketCounts {
  /** Connections whose `connection_init` was not accepted yet. */
  readonly waiting: number
  readonly accepted: number
  /** Operations of all connections, each from its `subscribe` message to its end. */
  readonly operations: number
}

interface OpenWebSocket {
  readonly isAccepted: boolean
  readonly running: { readonly size: number }
}

export interface OpenWebSockets {
  add(connection: OpenWebSocket): void
  delete(connection: OpenWebSocket): void
  count(): WebSocketCounts
}

export function createOpenWebSockets(): OpenWebSockets {
  const open = new Set<OpenWebSocket>()
  return {
    add: connection => void open.add(connection),
    delete: connection => void open.delete(connection),
    count: () => {
      const all = [...open]
      const accepted = all.filter(({ isAccepted }) => isAccepted).length
      const operations = all.reduce((sum, { running }) => sum + running.size, 0)
      return { waiting: all.length - accepted, accepted, operations }
    },
  }
}
