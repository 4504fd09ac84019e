import { setTimeout as sleep } from 'node:timers/promises'
import { random } from './random.ts'

/** Something a provider tells those who asked to be told. */
export interface SandboxEvent {
  /** The provider's name of it. */
  readonly type: string
  /** The id of the object it is about. */
  readonly about: string
  /** What the provider says, as it stood when it happened. */
  readonly content: unknown
}

/** Where the webhooks go and how. */
export interface WebhookTarget {
  readonly url: string
  readonly secret: string
  /** For a provider that encrypts. */
  readonly publicJwk?: { readonly kty: 'RSA'; readonly n: string; readonly e: string }
  readonly keyId?: string
  /** How many copies go out beside each delivery. */
  readonly duplicate: number
  /** True to send every second delivery before the one that came before it. */
  readonly reorder: boolean
  readonly delayMs: number
  /** How long after a failed try the next one goes out. */
  readonly retryDelaysMs: readonly number[]
}

/** A delivery as the provider writes it; each try of it is signed anew. */
export interface Parcel {
  /** The provider's id of the delivery, the same at every try; absent where it has none. */
  readonly id?: string
  readonly body: string
  headers(at: Date, secret: string): Readonly<Record<string, string>>
}

/** A text instead of a parcel says why the provider cannot send it. */
export type PackWebhook = (event: SandboxEvent, target: WebhookTarget) => Parcel | string

export interface Delivery {
  readonly id: string
  readonly event: string
  readonly about: string
  readonly body: string
  readonly tries: readonly DeliveryTry[]
}

export interface DeliveryTry {
  readonly at: string
  readonly url: string
  /** Credentials masked. */
  readonly headers: Readonly<Record<string, string>>
  /** How it was answered. */
  readonly status?: number
  /** Why it was not. */
  readonly error?: string
}

export interface WebhookSender {
  target: WebhookTarget | undefined
  /** Returns at once: whoever caused the event does not wait for its delivery. */
  emit(event: SandboxEvent): void
  deliveries(): readonly Delivery[]
  /** Nothing is sent any more. */
  close(): void
}

const KEPT = 1000
const TIMEOUT_MS = 15_000
/** How long a delivery waits for the one that shall overtake it. */
const OVERTAKE_MS = 1000

type Send = () => Promise<void>

export function createWebhookSender(pack: PackWebhook | undefined): WebhookSender {
  const closing = new AbortController()
  const kept: (Delivery & { readonly tries: DeliveryTry[] })[] = []
  let overtaken: Send | undefined
  // First tries go out one after another, so that only `reorder` changes their order.
  let turn = Promise.resolve()

  const wait = (ms: number) => sleep(ms, undefined, { ref: false, signal: closing.signal })

  const sender: WebhookSender = {
    target: undefined,
    emit(event) {
      const { target } = sender
      if (target && pack) line(prepare(pack(event, target), event, target.duplicate + 1), target)
    },
    deliveries: () => kept,
    close: () => closing.abort(),
  }

  function prepare(parcel: Parcel | string, { type, about }: SandboxEvent, copies: number): Send {
    const { id, body } = typeof parcel === 'string' ? { body: '' } : { ...parcel }
    const delivery = { id: id ?? `dlv_${random.lower(16)}`, event: type, about, body, tries: [] as DeliveryTry[] }
    kept.push(delivery)
    if (kept.length > KEPT) kept.shift()
    return async () => {
      if (typeof parcel === 'string') return void delivery.tries.push(unsent(sender.target?.url ?? '', parcel))
      await Promise.all(Array.from({ length: copies }, () => deliver(parcel, delivery.tries)))
    }
  }

  function line(send: Send, { reorder, delayMs }: WebhookTarget): void {
    const due = wait(delayMs)
    if (!reorder) return queue(due, send)
    if (overtaken) {
      queue(due, send, overtaken)
      overtaken = undefined
      return
    }
    overtaken = send
    const alone = wait(OVERTAKE_MS).then(() => {
      if (overtaken !== send) return
      overtaken = undefined
      queue(due, send)
    })
    alone.catch(ignoreClosing)
  }

  function queue(due: Promise<unknown>, ...sends: readonly Send[]): void {
    const run = async () => {
      await due
      for (const send of sends) await send()
    }
    turn = turn.then(run).catch(ignoreClosing)
  }

  /** The first try is waited for, the others go on beside what comes next. */
  async function deliver(parcel: Parcel, tries: DeliveryTry[]): Promise<void> {
    if (await tryOnce(parcel, tries)) return
    retry(parcel, tries).catch(ignoreClosing)
  }

  async function retry(parcel: Parcel, tries: DeliveryTry[]): Promise<void> {
    for (const ms of sender.target?.retryDelaysMs ?? []) {
      await wait(ms)
      if (await tryOnce(parcel, tries)) return
    }
  }

  /** True where nothing is left to do: it was taken, or nobody wants it any more. */
  async function tryOnce(parcel: Parcel, tries: DeliveryTry[]): Promise<boolean> {
    const { target } = sender
    if (!target) return true
    closing.signal.throwIfAborted()
    const at = new Date()
    const headers = parcel.headers(at, target.secret)
    const sent = { at: at.toISOString(), url: target.url, headers: masked(headers) }
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(TIMEOUT_MS)])
    try {
      const answer = await fetch(target.url, { method: 'POST', redirect: 'manual', headers, body: parcel.body, signal })
      await answer.body?.cancel()
      tries.push({ ...sent, status: answer.status })
      return answer.ok
    } catch (error) {
      tries.push({ ...sent, error: explain(error) })
      return false
    }
  }

  return sender
}

function unsent(url: string, error: string): DeliveryTry {
  return { at: new Date().toISOString(), url, headers: {}, error }
}

function masked(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return { ...headers, ...(headers.authorization && { authorization: '(masked)' }) }
}

function explain(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}

function ignoreClosing(error: unknown): void {
  if ((error as Error).name !== 'AbortError') throw error
}
