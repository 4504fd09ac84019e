import { createHash, randomUUID } from 'node:crypto'
import { type EncryptedColumn, placeIn } from '../../../db/core/columns.ts'
import { encodeGlobalId } from '../../../src/domain/global-id.ts'
import type { FieldEncryption, Place } from '../../../src/security/field-encryption.ts'
import type { Providers } from './providers.ts'

/** What a create writes: the rows for both databases, with the columns and values in the same order. */

export interface CreateInput {
  readonly idempotencyKey: string
  readonly externalId: string
  readonly session: { readonly kayle: { readonly redirectUrl: string; readonly shareFields: readonly ShareField[] } }
}

interface ShareField {
  readonly key: string
  readonly required: boolean
  readonly reason: string
}

export type Created = Awaited<ReturnType<Providers['createSession']>>

export const OPERATION_COLUMNS = `id, tenant_id, account_id, kind, provider, idempotency_key, fingerprint, state, reference,
  input_encrypted, subject_hashes, recovered, send_count, unsent, repeats, checks, fence, owner, owned_until, sent_at, created_at, updated_at`
export const SESSION_COLUMNS = `id, tenant_id, account_id, provider, provider_id, created_at, updated_at, read_started_at,
  external_id, external_id_pinned, status, outcome, provider_status, test_mode, redirect_url_encrypted, expires_at,
  access_encrypted, applicant_pinned, customer_pinned, fetched_at, source, details_encrypted, polls`
export const EVENT_COLUMNS = 'tenant_id, position, id, session_id, provider, at, source, data'

type Value = string | number

/** The call and the row of the operation that is about to make it. */
export function toOperation(encryption: FieldEncryption, account: string, input: CreateInput) {
  const { kayle } = input.session
  const id = randomUUID()
  const reference = `sg_${id.replaceAll('-', '')}`
  const now = Date.now()
  const fingerprint = createHash('sha256').update(JSON.stringify(kayle)).digest('base64url')
  const encrypted = encrypt(encryption, kayle, placeIn('operations', 'input_encrypted', { id, tenantId: 'dev' }))
  const caller = ['dev', account, 'CREATE_SESSION', 'KAYLE', input.idempotencyKey, fingerprint]
  const progress = [encrypted, '', 0, 1, 0, 0, 0, 1, 'limit', now + 29_000, now, now, now]
  return {
    id,
    values: [id, ...caller, 'SENT', reference, ...progress] as readonly Value[],
    redirectUrl: `${kayle.redirectUrl}?sg_ref=${reference}`,
    shareFields: Object.fromEntries(kayle.shareFields.map(({ key, ...field }) => [key, field])),
  }
}

export function toSession(encryption: FieldEncryption, account: string, reported: Created, externalId: string) {
  const id = randomUUID()
  const now = Date.now()
  const encryptIn = (value: unknown, column: EncryptedColumn<'sessions'>) =>
    encrypt(encryption, value, placeIn('sessions', column, { id, tenantId: 'dev' }))
  const access = { hostedUrl: reported.verification_url, sdkToken: null, cancelToken: reported.cancel_token }
  const times = [Date.parse(reported.created_at), Date.parse(reported.updated_at), now]
  const status = ['CREATED', 'PENDING', reported.status, 1]
  const links = [encryptIn(reported.redirect_url, 'redirect_url_encrypted'), Date.parse(reported.expires_at)]
  const rest = [
    encryptIn(access, 'access_encrypted'),
    0,
    0,
    now,
    'CALLER',
    encryptIn(reported.share_fields, 'details_encrypted'),
  ]
  const identity = [id, 'dev', account, 'KAYLE', reported.id]
  return { id, values: [...identity, ...times, externalId, 0, ...status, ...links, ...rest, 0] as readonly Value[] }
}

/** The two events of a new session, without their positions. */
export function toEvents(sessionId: string) {
  const now = Date.now()
  return [SESSION_CREATED, STATUS_CHANGED].map(
    data => [randomUUID(), sessionId, 'KAYLE', now, 'CALLER', data] as readonly Value[],
  )
}

export function toPayload(id: string, reported: Created, externalId: string) {
  return {
    __typename: 'CreateSessionPayload' as const,
    replayed: false,
    session: {
      id: encodeGlobalId('Session', id),
      provider: 'KAYLE',
      providerId: reported.id,
      status: 'CREATED',
      outcome: 'PENDING',
      externalId,
      access: { hostedUrl: reported.verification_url },
    },
  }
}

function encrypt(encryption: FieldEncryption, value: unknown, place: Place): string {
  return encryption.encrypt(JSON.stringify(value), place)
}

const SESSION_CREATED = '{"type":"SessionCreated"}'
const STATUS_CHANGED = JSON.stringify({
  type: 'SessionStatusChanged',
  from: null,
  to: 'CREATED',
  fromOutcome: null,
  outcome: 'PENDING',
  providerStatus: 'created',
})
