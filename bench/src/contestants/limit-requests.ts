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

export function toCreateInput(idempotencyKey: string) {
  const shareFields = [{ key: 'date_of_birth', required: true, reason: 'To check that you are of age' }]
  const kayle = { redirectUrl: 'https://app.example.com/done', shareFields }
  return { idempotencyKey, externalId: 'user-1', session: { kayle } }
}
