import { random } from './random.ts'
import { deliver, type Post, wait } from './webhook-delivery.ts'

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

export interface WebhookDelivery {
  readonly id: string
  readonly event: string
  readonly about: string
  readonly body: string
  readonly tries: readonly WebhookTry[]
}

export interface WebhookTry {
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
  deliveries(): readonly WebhookDelivery[]
  /** Nothing is sent any more. */
  close(): void
}

const KEPT = 1000
/** How long a delivery waits for the one that shall overtake it. */
const OVERTAKE_MS = 1000

type Send = () => Promise<unknown>

export function createWebhookSender(pack: PackWebhook | undefined): WebhookSender {
  const controller = new AbortController()
  const post: Post = { target: () => sender.target, closing: controller.signal }
  const kept: WebhookDelivery[] = []
  const lines = createLines(post.closing)

  function prepare(parcel: Parcel | string, { type, about }: SandboxEvent, copies: number): Send {
    const tries: WebhookTry[] = []
    const { id, body } = typeof parcel === 'string' ? { body: '' } : parcel
    kept.push({ id: id ?? `dlv_${random.lower(16)}`, event: type, about, body, tries })
    if (kept.length > KEPT) kept.shift()
    return async () => {
      if (typeof parcel === 'string') return tries.push(unsent(post, parcel))
      return Promise.all(Array.from({ length: copies }, () => deliver(post, parcel, tries)))
    }
  }

  const sender: WebhookSender = {
    target: undefined,
    emit(event) {
      const { target } = sender
      if (!pack || !target) return
      const send = prepare(pack(event, target), event, target.duplicate + 1)
      if (target.reorder) lines.crossed(send, target.delayMs)
      else lines.straight(target.delayMs, send)
    },
    deliveries: () => kept,
    close: () => controller.abort(),
  }
  return sender
}

/** First tries go out one after another, so that nothing but a wish for disorder changes their order. */
function createLines(closing: AbortSignal) {
  let turn = Promise.resolve()
  let overtaken: Send | undefined

  function straight(delayMs: number, ...sends: readonly Send[]): void {
    const due = wait(delayMs, closing)
    turn = turn.then(async () => {
      await due
      for (const send of sends) await send()
    })
  }

  /** Every second one goes before the one that came before it. One that waits in vain goes alone. */
  function crossed(send: Send, delayMs: number): void {
    if (overtaken) {
      straight(delayMs, send, overtaken)
      overtaken = undefined
      return
    }
    overtaken = send
    void wait(OVERTAKE_MS, closing).then(() => {
      if (overtaken !== send) return
      overtaken = undefined
      straight(delayMs, send)
    })
  }

  return { straight, crossed }
}

function unsent(post: Post, error: string): WebhookTry {
  return { at: new Date().toISOString(), url: post.target()?.url ?? '', headers: {}, error }
}
