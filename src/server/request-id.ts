import { randomUUID } from 'node:crypto'

export const REQUEST_ID_HEADER = 'x-request-id'

/** The client's id of its request where it is well formed, else one of ours. It stands in answers, logs and calls to providers. */
export function toRequestId(sent: string | null | undefined): string {
  return sent && FORM.test(sent) ? sent : randomUUID()
}

/** No room for an address, a name with spaces or a key with its prefix. */
const FORM = /^[A-Za-z0-9-]{8,64}$/
