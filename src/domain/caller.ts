/** What an API key may be allowed, each by itself: none holds another. */
export const SCOPES = [
  'sessions:read',
  'sessions:write',
  'session:access',
  'applicants:read',
  'applicants:write',
  'customers:read',
  'customers:write',
  'pii:read',
  'admin',
] as const

export type Scope = (typeof SCOPES)[number]

/** What a client token opens: one session, or one of the tenant's own users. */
export type Subject = { readonly sessionId: string } | { readonly externalId: string }

/** Who a request acts for. */
export interface Caller {
  readonly tenantId: string
  /** The API key: its own, or the one that made its client token. */
  readonly keyId: string
  /** None for a client token. */
  readonly scopes: ReadonlySet<Scope>
  /** Null for an API key, which may see all of its tenant that its scopes allow. */
  readonly subject: Subject | null
  /** When the key or the token ends; null: never by itself. */
  readonly expiresAt: Date | null
}

/** True where the subject opens the session; without a subject all of the tenant is open. */
export function opens(
  subject: Subject | null | undefined,
  session: { readonly id: string; readonly externalId: string | null },
): boolean {
  if (!subject) return true
  return 'sessionId' in subject ? subject.sessionId === session.id : subject.externalId === session.externalId
}

/** True where the subject is that person; without a subject everybody of the tenant is open. */
export function opensPerson(subject: Subject | null | undefined, externalId: string): boolean {
  return !subject || ('externalId' in subject && subject.externalId === externalId)
}

/** Who shares what is given out in portions: a key, or each of its client tokens' subjects, so that none eats the key's. */
export function holderOf({ keyId, subject }: Pick<Caller, 'keyId' | 'subject'>): string {
  return subject ? `${keyId}|${JSON.stringify(subject)}` : keyId
}
