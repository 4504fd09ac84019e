import { API_KEY } from '../app/test-app.ts'

/** One server-sent event. */
export interface Message {
  readonly event: string
  readonly id: string | null
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of its response
  readonly data: any
}

/** A client of a subscription over server-sent events. */
export interface Subscriber {
  readonly status: number
  readonly contentType: string | null
  /** The messages so far, without heartbeats. */
  readonly messages: readonly Message[]
  readonly heartbeats: () => number
  /** Resolves with the first `count` messages. */
  first(count: number): Promise<readonly Message[]>
  /** Resolves with all messages when the server ends the stream. */
  all(): Promise<readonly Message[]>
  /** Closes the connection. */
  unsubscribe(): Promise<void>
}

export interface Following {
  readonly query: string
  readonly variables?: Record<string, unknown>
  readonly lastEventId?: string
  readonly accept?: string
  /** An API key or a client token; by default the development key. */
  readonly token?: string
}

export async function follow(
  url: string,
  { query, variables, lastEventId, accept, token }: Following,
): Promise<Subscriber> {
  const disconnect = new AbortController()
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      accept: accept ?? 'text/event-stream',
      authorization: `Bearer ${token ?? API_KEY}`,
      'content-type': 'application/json',
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
    body: JSON.stringify({ query, variables }),
    signal: disconnect.signal,
  })
  const messages: Message[] = []
  let heartbeats = 0
  let over = false
  let wake = () => {}

  async function read(): Promise<void> {
    let text = ''
    try {
      for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const blocks = (text + chunk).split('\n\n')
        text = blocks.pop() ?? ''
        for (const block of blocks) {
          if (block.startsWith(':')) heartbeats += 1
          else messages.push(toMessage(block))
        }
        wake()
      }
    } catch (error) {
      if (!disconnect.signal.aborted) throw error
    } finally {
      over = true
      wake()
    }
  }
  const providerRead = read()

  async function until(isEnough: () => boolean): Promise<readonly Message[]> {
    while (!isEnough() && !over) {
      await new Promise<void>(resolve => {
        const before = wake
        wake = () => {
          before()
          resolve()
        }
      })
    }
    return [...messages]
  }

  return {
    status: response.status,
    contentType: response.headers.get('content-type'),
    messages,
    heartbeats: () => heartbeats,
    first: async count => (await until(() => messages.length >= count)).slice(0, count),
    all: () => until(() => over),
    unsubscribe: async () => {
      disconnect.abort()
      await providerRead
    },
  }
}

function toMessage(block: string): Message {
  const fields = new Map(block.split('\n').map(line => [line.split(':', 1)[0], line.replace(/^[a-z]+: ?/, '')]))
  const data = fields.get('data')
  return { event: fields.get('event') ?? '', id: fields.get('id') ?? null, data: data ? JSON.parse(data) : null }
}
