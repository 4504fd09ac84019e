/** What the limit knows of the requests, because each document is constant. */

export interface Variables {
  readonly id?: string
  readonly providerId?: string
  readonly first?: number
  readonly after?: string | null
  readonly key?: string
}

/** The function that answers each operation, by its name. */
export type Answers = Readonly<Record<string, (variables: Variables) => unknown>>

/** It calls the provider each time, and fails if that fails. */
export const FRESH = { stale: false }

export function toCreateInput(idempotencyKey: string) {
  const shareFields = [{ key: 'date_of_birth', required: true, reason: 'To check that you are of age' }]
  const kayle = { redirectUrl: 'https://app.example.com/done', shareFields }
  return { idempotencyKey, externalId: 'user-1', session: { kayle } }
}

export function toRowId(globalId = ''): string {
  return Buffer.from(globalId, 'base64url').toString('latin1').split(':')[1] ?? ''
}
