import { deserialize, serialize } from 'node:v8'
import type { RawDelivery, WebhookNotice } from '../providers/contract.ts'

/** A delivery as it is kept: the body in base64, for it need not be text. */
export interface KeptDelivery {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** What it said when it came in, should its keys be others by the time it is applied. */
  readonly notice?: string
}

/** A notice holds dates, which JSON does not. */
export function toKept({ headers, body }: RawDelivery, notice?: WebhookNotice): KeptDelivery {
  const defined = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  return {
    headers: Object.fromEntries(defined),
    body: body.toString('base64'),
    ...(notice && { notice: serialize(notice).toString('base64') }),
  }
}

export function toRaw({ headers, body }: KeptDelivery): RawDelivery {
  return { headers, body: Buffer.from(body, 'base64') }
}

export function toKeptNotice({ notice }: KeptDelivery): WebhookNotice | undefined {
  return notice ? deserialize(Buffer.from(notice, 'base64')) : undefined
}
