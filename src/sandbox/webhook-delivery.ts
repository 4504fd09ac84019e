import { setTimeout as sleep } from 'node:timers/promises'
import type { Parcel, WebhookTarget, WebhookTry } from './webhooks.ts'

const TIMEOUT_MS = 15_000

/** What every delivery of a sandbox needs to know. */
export interface Post {
  /** Where webhooks go at this moment, if anywhere. */
  target(): WebhookTarget | undefined
  readonly closing: AbortSignal
}

/** Resolves after the first try. Those that follow a failed one go on beside what comes next. */
export async function deliver(post: Post, parcel: Parcel, tries: WebhookTry[]): Promise<void> {
  if (!(await tryOnce(post, parcel, tries))) void retry(post, parcel, tries)
}

/** Ends early where the sandbox closes. */
export async function wait(ms: number, closing: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { ref: false, signal: closing }).catch(() => {})
}

async function retry(post: Post, parcel: Parcel, tries: WebhookTry[]): Promise<void> {
  for (const ms of post.target()?.retryDelaysMs ?? []) {
    await wait(ms, post.closing)
    if (await tryOnce(post, parcel, tries)) return
  }
}

/** True where nothing is left to do: it was taken, or nobody wants it any more. */
async function tryOnce(post: Post, parcel: Parcel, tries: WebhookTry[]): Promise<boolean> {
  const target = post.target()
  if (!target || post.closing.aborted) return true
  const at = new Date()
  const headers = parcel.headers(at, target.secret)
  const answered = await send(target.url, headers, parcel.body, post.closing)
  tries.push({ at: at.toISOString(), url: target.url, headers: masked(headers), ...answered })
  return (answered.status ?? 0) >= 200 && (answered.status ?? 0) < 300
}

async function send(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  closing: AbortSignal,
): Promise<Pick<WebhookTry, 'status' | 'error'>> {
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
