import type { Person } from '../records/person.ts'

/** The owner of records, accounts and keys. */
export interface Tenant {
  /** Lower-case letters, digits and hyphens. */
  readonly id: string
  readonly name: string
  readonly createdAt: Date
}

/** The scopes of an API key. None includes another. */
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

/** What a client token grants access to: one session, or one of the tenant's own users. */
export type Subject = { readonly sessionId: string } | { readonly externalId: string }

/** The authenticated caller of a request. */
export interface Caller {
  readonly tenantId: string
  /** The API key, or for a client token the key that created it. */
  readonly keyId: string
  /** Empty for a client token. */
  readonly scopes: ReadonlySet<Scope>
  /** Of a client token: the scopes of the key that created it. A token reads no record that its key may not read. */
  readonly keyScopes?: ReadonlySet<Scope>
  /** The API key's own cost per minute. Null: COST_PER_MINUTE. */
  readonly costPerMinute: number | null
  /** Null for an API key, which has access to everything of its tenant that its scopes allow. */
  readonly subject: Subject | null
  /** When the key or the token expires; null: never. */
  readonly expiresAt: Date | null
}

/** True if the subject grants access to the session. Null grants access to every session of the tenant. */
export function canAccessSession(
  subject: Subject | null | undefined,
  session: { readonly id: string; readonly externalId: string | null },
): boolean {
  if (!subject) return true
  return 'sessionId' in subject ? subject.sessionId === session.id : subject.externalId === session.externalId
}

/** True if the subject is that person. Null grants access to every person of the tenant. */
export function canAccessPerson(subject: Subject | null | undefined, externalId: string): boolean {
  return !subject || ('externalId' in subject && subject.externalId === externalId)
}

/** The person of a record. Null if the record has no externalId, or if the subject does not grant access to the person. */
export function personOf(
  subject: Subject | null | undefined,
  { externalId }: { readonly externalId: string | null },
): Person | null {
  return externalId !== null && canAccessPerson(subject, externalId) ? { externalId } : null
}

/**
 * The budgets that a caller uses: that of its API key, and for a client token a share of it that is its subject's own.
 * `limit`: the key's own cost per minute, if it has one.
 */
export function budgetsOf({ keyId, subject, costPerMinute }: Pick<Caller, 'keyId' | 'subject' | 'costPerMinute'>) {
  return { key: keyId, token: subject && `${keyId}|${JSON.stringify(subject)}`, limit: costPerMinute ?? undefined }
}
