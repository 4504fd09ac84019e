import { setTimeout as sleep } from 'node:timers/promises'

/** A delivery in the provider's format; each attempt is signed anew. */
export interface SignedPayload {
  /** The provider's id of the delivery, the same for every attempt; absent if it has none. */
  readonly id?: string
  readonly body: string
  headers(at: Date, secret: string): Readonly<Record<string, string>>
}

/** Where and how webhooks are delivered. */
export interface WebhookTarget {
  readonly url: string
  readonly secret: string
  /** For a provider that encrypts. */
  readonly publicJwk?: { readonly kty: 'RSA'; readonly n: string; readonly e: string }
  readonly keyId?: string
  /** The number of duplicates of each delivery. */
  readonly duplicate: number
  /** True to send every second delivery before the previous one. */
  readonly reorder: boolean
  readonly delayMs: number
  /** The delay before each retry. */
  readonly retryDelaysMs: readonly number[]
}

export interface WebhookAttempt {
  readonly at: string
  readonly url: string
  /** Credentials are masked. */
  readonly headers: Readonly<Record<string, string>>
  /** The response status. */
  readonly status?: number
  /** The reason why no response came. */
  readonly error?: string
}

const TIMEOUT_MS = 15_000

/** The state shared by all deliveries of a sandbox. */
export interface DeliveryDeps {
  /** The current target, if any. */
  target(): WebhookTarget | undefined
  readonly closing: AbortSignal
}

/** Resolves after the first attempt. Retries continue in the background. */
export async function postWebhook(
  post: DeliveryDeps,
  payload: SignedPayload,
  attempts: WebhookAttempt[],
): Promise<void> {
  if (!(await attemptOnce(post, payload, attempts))) void retry(post, payload, attempts)
}

/** Ends early if the sandbox closes. */
export async function wait(ms: number, closing: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { ref: false, signal: closing }).catch(() => {})
}

async function retry(post: DeliveryDeps, payload: SignedPayload, attempts: WebhookAttempt[]): Promise<void> {
  for (const ms of post.target()?.retryDelaysMs ?? []) {
    await wait(ms, post.closing)
    if (await attemptOnce(post, payload, attempts)) return
  }
}

/** True if no further attempt is needed: it was accepted, or there is no target any more. */
async function attemptOnce(post: DeliveryDeps, payload: SignedPayload, attempts: WebhookAttempt[]): Promise<boolean> {
  const target = post.target()
  if (!target || post.closing.aborted) return true
  const at = new Date()
  const headers = payload.headers(at, target.secret)
  const answered = await send(target.url, headers, payload.body, post.closing)
  attempts.push({ at: at.toISOString(), url: target.url, headers: masked(headers), ...answered })
  return (answered.status ?? 0) >= 200 && (answered.status ?? 0) < 300
}

async function send(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  closing: AbortSignal,
): Promise<Pick<WebhookAttempt, 'status' | 'error'>> {
  const signal = AbortSignal.any([closing, AbortSignal.timeout(TIMEOUT_MS)])
  try {
    const answer = await fetch(url, { method: 'POST', redirect: 'manual', headers, body, signal })
    await answer.body?.cancel()
    return { status: answer.status }
  } catch (error) {
    const { message, cause } = error as Error
    return { error: cause instanceof Error ? `${message}: ${cause.message}` : message }
  }
}

function masked(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return { ...headers, ...(headers.authorization && { authorization: '(masked)' }) }
}
