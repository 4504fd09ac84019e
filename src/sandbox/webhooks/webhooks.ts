import { random } from '../random.ts'
import {
  type DeliveryDeps,
  postWebhook,
  type SignedPayload,
  type WebhookAttempt,
  type WebhookTarget,
  wait,
} from './post-webhook.ts'

/** An event of a provider. */
export interface SandboxEvent {
  /** The provider's name of the event. */
  readonly type: string
  /** The id of the object that the event is subject. */
  readonly subject: string
  /** The provider's payload at the time of the event. */
  readonly content: unknown
}

/** A string instead of a payload is the reason why the provider cannot send it. */
export type SignWebhook = (event: SandboxEvent, target: WebhookTarget) => SignedPayload | string

export interface WebhookDelivery {
  readonly id: string
  readonly event: string
  readonly subject: string
  readonly body: string
  readonly attempts: readonly WebhookAttempt[]
}

export interface WebhookSender {
  target: WebhookTarget | undefined
  /** Does not wait for the delivery. */
  emit(event: SandboxEvent): void
  deliveries(): readonly WebhookDelivery[]
  /** Stops all deliveries. */
  close(): void
}

const MAX_DELIVERIES = 1000
/** How long a delivery waits for the one that overtakes it. */
const REORDER_MS = 1000

type Send = () => Promise<unknown>

export function createWebhookSender(sign: SignWebhook | undefined): WebhookSender {
  const controller = new AbortController()
  const post: DeliveryDeps = { target: () => sender.target, closing: controller.signal }
  const stored: WebhookDelivery[] = []
  const queue = createDeliveryQueue(post.closing)

  function prepare(payload: SignedPayload | string, { type, subject }: SandboxEvent, copies: number): Send {
    const attempts: WebhookAttempt[] = []
    const { id, body } = typeof payload === 'string' ? { body: '' } : payload
    stored.push({ id: id ?? `dlv_${random.lower(16)}`, event: type, subject, body, attempts })
    if (stored.length > MAX_DELIVERIES) stored.shift()
    return async () => {
      if (typeof payload === 'string') return attempts.push(unsent(post, payload))
      return Promise.all(Array.from({ length: copies }, () => postWebhook(post, payload, attempts)))
    }
  }

  const sender: WebhookSender = {
    target: undefined,
    emit(event) {
      const { target } = sender
      if (!sign || !target) return
      const send = prepare(sign(event, target), event, target.duplicate + 1)
      if (target.reorder) queue.enqueueReordered(send, target.delayMs)
      else queue.enqueue(target.delayMs, send)
    },
    deliveries: () => stored,
    close: () => controller.abort(),
  }
  return sender
}

/** First attempts are sent one after another, so that only `reorder` changes their order. */
function createDeliveryQueue(closing: AbortSignal) {
  let tail = Promise.resolve()
  let overtaken: Send | undefined

  function enqueue(delayMs: number, ...sends: readonly Send[]): void {
    const due = wait(delayMs, closing)
    tail = tail.then(async () => {
      await due
      for (const send of sends) await send()
    })
  }

  /**
   * Sends every second delivery before the previous one. A delivery without a successor is sent alone after REORDER_MS.
   */
  function enqueueReordered(send: Send, delayMs: number): void {
    if (overtaken) {
      enqueue(delayMs, send, overtaken)
      overtaken = undefined
      return
    }
    overtaken = send
    void wait(REORDER_MS, closing).then(() => {
      if (overtaken !== send) return
      overtaken = undefined
      enqueue(delayMs, send)
    })
  }

  return { enqueue, enqueueReordered }
}

function unsent(post: DeliveryDeps, error: string): WebhookAttempt {
  return { at: new Date().toISOString(), url: post.target()?.url ?? '', headers: {}, error }
}
