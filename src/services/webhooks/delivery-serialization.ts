import { deserialize, serialize } from 'node:v8'
import type { RawDelivery, WebhookNotice } from '../../providers/contract.ts'

/** A delivery as stored. The body is base64, because it need not be text. */
export interface SerializedDelivery {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The notice as parsed at receipt, in case the keys changed before it is applied. */
  readonly notice?: string
}

/** The notice is serialized by V8, because JSON does not preserve its dates. */
export function serializeDelivery({ headers, body }: RawDelivery, notice?: WebhookNotice): SerializedDelivery {
  const defined = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  return {
    headers: Object.fromEntries(defined),
    body: body.toString('base64'),
    ...(notice && { notice: serialize(notice).toString('base64') }),
  }
}

export function deserializeDelivery({ headers, body }: SerializedDelivery): RawDelivery {
  return { headers, body: Buffer.from(body, 'base64') }
}

export function deserializeNotice({ notice }: SerializedDelivery): WebhookNotice | undefined {
  return notice ? deserialize(Buffer.from(notice, 'base64')) : undefined
}
