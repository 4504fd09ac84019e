import type { ExportResult } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { Logger } from './log.ts'

export interface OtlpOptions {
  /** The collector's base URL, without `/v1/traces`. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
  readonly log: Logger
}

const TIMEOUT_MS = 5_000

/** Sends spans as OTLP over HTTP. While the collector cannot be reached, spans are lost with one warning. */
export function createSpanExporter({ endpoint, headers, log }: OtlpOptions): SpanExporter {
  const url = `${endpoint.replace(/\/$/, '')}/v1/traces`
  const exporter = new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: TIMEOUT_MS })
  let lostSpans = 0
  let warned = false

  function report({ error }: ExportResult, count: number): void {
    if (error) lostSpans += count
    if (error && !warned) log.warn({ lost: lostSpans, reason: error.message }, 'traces could not be sent')
    warned = error !== undefined
  }

  return {
    export: (spans: ReadableSpan[], done) =>
      exporter.export(spans, result => {
        report(result, spans.length)
        done(result)
      }),
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  }
}
