import type { Logger } from './log.ts'

/** A finished span for OTLP. Times are epoch milliseconds. */
export interface FinishedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: 'INTERNAL' | 'SERVER' | 'CLIENT'
  readonly startMs: number
  readonly endMs: number
  readonly failed: boolean
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

export interface OtlpOptions {
  /** The collector's base URL, without `/v1/traces`. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
  readonly serviceName: string
  readonly log: Logger
}

export interface Exporter {
  add(span: FinishedSpan): void
  /** Sends the remaining spans. Resolves when they are sent. */
  close(): Promise<void>
}

const BATCH = 256
const EVERY_MS = 2_000
/** Spans beyond this number are dropped, so that an unreachable collector does not fill the memory. */
const MAX_PENDING = 4_096
const TIMEOUT_MS = 5_000

/** Sends spans in batches as OTLP/HTTP JSON. While the collector is unreachable, spans are lost with one warning. */
export function createExporter({ endpoint, headers, serviceName, log }: OtlpOptions): Exporter {
  const url = `${endpoint.replace(/\/$/, '')}/v1/traces`
  const waiting: FinishedSpan[] = []
  let sending: Promise<void> = Promise.resolve()
  let lostSpans = 0
  let warned = false
  const timer = setInterval(flush, EVERY_MS)
  timer.unref()

  function flush(): void {
    const batch = waiting.splice(0, BATCH)
    if (batch.length === 0) return
    sending = sending.then(() => send(batch))
  }

  async function send(spans: readonly FinishedSpan[]): Promise<void> {
    try {
      const body = JSON.stringify(toRequest(spans, serviceName))
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const type = { 'content-type': 'application/json' }
      const answer = await fetch(url, { method: 'POST', headers: { ...headers, ...type }, body, signal })
      await answer.body?.cancel()
      if (!answer.ok) throw new Error(`the collector responded with ${answer.status}`)
      warned = false
    } catch (error) {
      lostSpans += spans.length
      if (!warned) log.warn({ lost: lostSpans, reason: reasonOf(error) }, 'traces could not be sent')
      warned = true
    }
  }

  return {
    add: span => {
      if (waiting.length >= MAX_PENDING) lostSpans++
      else waiting.push(span)
      if (waiting.length % BATCH === 0) flush()
    },
    close: async () => {
      clearInterval(timer)
      while (waiting.length > 0) flush()
      await sending
    },
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown'
}

const KINDS = { INTERNAL: 1, SERVER: 2, CLIENT: 3 } as const
const FAILED = { code: 2 }

function toRequest(spans: readonly FinishedSpan[], serviceName: string) {
  const resource = { attributes: toAttributes({ 'service.name': serviceName }) }
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'sessiongraph' }, spans: spans.map(toSpan) }] }] }
}

function toSpan({ startMs, endMs, kind, failed, attributes, ...span }: FinishedSpan) {
  return {
    ...span,
    kind: KINDS[kind],
    startTimeUnixNano: toNanos(startMs),
    endTimeUnixNano: toNanos(endMs),
    attributes: toAttributes(attributes),
    status: failed ? FAILED : {},
  }
}

/** Converts milliseconds and their fraction separately, because a double cannot hold epoch nanoseconds exactly. */
function toNanos(ms: number): string {
  const seconds = Math.floor(ms)
  return String(BigInt(seconds) * 1_000_000n + BigInt(Math.round((ms - seconds) * 1_000_000)))
}

function toAttributes(values: FinishedSpan['attributes']) {
  return Object.entries(values).map(([key, value]) => ({ key, value: toValue(value) }))
}

function toValue(value: string | number | boolean) {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}
