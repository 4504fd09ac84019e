import type { Logger } from './log.ts'

/** A span that is over, as OTLP says it. Times are epoch milliseconds. */
export interface EndedSpan {
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
  /** The collector's address, without the path of the traces. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
  readonly serviceName: string
  readonly log: Logger
}

export interface Exporter {
  add(span: EndedSpan): void
  /** Sends what is left, and waits for it. */
  close(): Promise<void>
}

const BATCH = 256
const EVERY_MS = 2_000
/** What the collector does not take away in time is lost, never kept without end. */
const MOST_WAITING = 4_096
const PATIENCE_MS = 5_000

/** Sends spans in batches by OTLP over HTTP as JSON. A collector that is away costs spans and one warning, nothing else. */
export function createExporter({ endpoint, headers, serviceName, log }: OtlpOptions): Exporter {
  const url = `${endpoint.replace(/\/$/, '')}/v1/traces`
  const waiting: EndedSpan[] = []
  let sending: Promise<void> = Promise.resolve()
  let lost = 0
  let warned = false
  const timer = setInterval(flush, EVERY_MS)
  timer.unref()

  function flush(): void {
    const batch = waiting.splice(0, BATCH)
    if (batch.length === 0) return
    sending = sending.then(() => send(batch))
  }

  async function send(spans: readonly EndedSpan[]): Promise<void> {
    try {
      const body = JSON.stringify(toRequest(spans, serviceName))
      const signal = AbortSignal.timeout(PATIENCE_MS)
      const type = { 'content-type': 'application/json' }
      const answer = await fetch(url, { method: 'POST', headers: { ...headers, ...type }, body, signal })
      await answer.body?.cancel()
      if (!answer.ok) throw new Error(`the collector answered ${answer.status}`)
      warned = false
    } catch (error) {
      lost += spans.length
      if (!warned) log.warn({ lost, reason: reasonOf(error) }, 'traces could not be sent')
      warned = true
    }
  }

  return {
    add: span => {
      if (waiting.length >= MOST_WAITING) lost++
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

function toRequest(spans: readonly EndedSpan[], serviceName: string) {
  const resource = { attributes: toAttributes({ 'service.name': serviceName }) }
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'sessiongraph' }, spans: spans.map(toSpan) }] }] }
}

function toSpan({ startMs, endMs, kind, failed, attributes, ...span }: EndedSpan) {
  return {
    ...span,
    kind: KINDS[kind],
    startTimeUnixNano: toNanos(startMs),
    endTimeUnixNano: toNanos(endMs),
    attributes: toAttributes(attributes),
    status: failed ? FAILED : {},
  }
}

/** More than a double can say: the milliseconds and their part apart. */
function toNanos(ms: number): string {
  const whole = Math.floor(ms)
  return String(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1_000_000)))
}

function toAttributes(values: EndedSpan['attributes']) {
  return Object.entries(values).map(([key, value]) => ({ key, value: toValue(value) }))
}

function toValue(value: string | number | boolean) {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}
