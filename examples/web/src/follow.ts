import { type ApiError, send, Trouble, toTrouble } from './client.ts'
import { Followed, type Person } from './operations.ts'

export interface Following {
  /** The person's `liveCursor`, or the last received cursor. */
  readonly after: string
  onPerson(person: Person): void
  onConnected(connected: boolean): void
  /** The server does not have the events after the cursor any more: the person has to be read again. */
  onLost(): void
}

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 5_000
/** The server sends a heartbeat every 15 seconds: a connection that is silent for longer is dead. */
const LONGEST_SILENCE_MS = 40_000

/**
 * Follows all sessions of one person until the returned function is called. After a lost connection it reconnects with the
 * id of the last message, as an EventSource does, so that no event is missed or repeated.
 */
export function follow(externalId: string, { after, onPerson, onConnected, onLost }: Following): () => void {
  const leaving = new AbortController()
  let last = after
  let wait = FIRST_WAIT_MS

  async function connect(): Promise<void> {
    const headers = { accept: 'text/event-stream', 'last-event-id': last }
    const silence = createSilence()
    const signal = AbortSignal.any([leaving.signal, silence.signal])
    const response = await send(Followed, { externalId, after: last }, { headers, signal })
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) throw await toRefusal(response)
    for await (const message of readMessages(response)) {
      silence.broken()
      onConnected(true)
      wait = FIRST_WAIT_MS
      if (!message) continue
      const { data, errors } = message.result
      if (errors?.[0]) throw toTrouble(errors[0])
      if (message.id) last = message.id
      if (data?.personUpdated) onPerson(data.personUpdated.person)
    }
  }

  async function run(): Promise<void> {
    while (!leaving.signal.aborted) {
      const error: unknown = await connect().catch(error => error)
      if (leaving.signal.aborted) return
      if (error instanceof Trouble && LOST.includes(error.code)) return onLost()
      onConnected(false)
      await new Promise(resolve => setTimeout(resolve, wait))
      wait = Math.min(wait * 2, LONGEST_WAIT_MS)
    }
  }

  void run()
  return () => leaving.abort()
}

const LOST = ['CURSOR_EXPIRED', 'CURSOR_INVALID']

/** A signal that aborts after a period without messages. */
function createSilence() {
  const ending = new AbortController()
  const begin = () => setTimeout(() => ending.abort(), LONGEST_SILENCE_MS)
  let timer = begin()
  return {
    signal: ending.signal,
    broken: () => {
      clearTimeout(timer)
      timer = begin()
    },
  }
}

interface Message {
  readonly id?: string
  readonly result: { data?: { personUpdated: { person: Person } }; errors?: ApiError[] }
}

/** Why a stream was not opened. */
async function toRefusal(response: Response): Promise<Trouble> {
  const { errors = [] }: { errors?: ApiError[] } = await response.json()
  return errors[0] ? toTrouble(errors[0]) : new Trouble('UNREACHABLE', '')
}

/** The messages of a stream of server-sent events; undefined for a heartbeat. */
async function* readMessages(response: Response): AsyncGenerator<Message | undefined> {
  if (!response.body) return
  let text = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) yield toMessage(block)
  }
}

function toMessage(block: string): Message | undefined {
  const field = (name: string) => new RegExp(`^${name}: ?(.+)$`, 'm').exec(block)?.[1]
  const data = field('data')
  return data ? { id: field('id'), result: JSON.parse(data) } : undefined
}
