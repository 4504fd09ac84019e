import { createHash, randomUUID } from 'node:crypto'
import { type EncryptedColumn, placeIn } from '../../../db/core/columns.ts'
import { encodeGlobalId } from '../../../src/domain/global-id.ts'
import type { Place } from '../../../src/security/field-encryption.ts'
import type { Providers } from './providers.ts'
import type { Store } from './store.ts'

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

/** A create as durable as ours: one durable commit before the call, one after it. */
export function prepareCreate({ database, encryption, kayleAccount }: Store, providers: Providers) {
  const seal = (value: unknown, place: Place) => encryption.encrypt(JSON.stringify(value), place)
  const sealInSession = (value: unknown, column: EncryptedColumn<'sessions'>, id: string) =>
    seal(value, placeIn('sessions', column, { id, tenantId: 'dev' }))
  const known = database.prepare("select state from operations where tenant_id = 'dev' and idempotency_key = ?")
  const open = database.prepare(`insert into operations (id, tenant_id, account_id, kind, provider, idempotency_key,
    fingerprint, state, reference, input_encrypted, subject_hashes, recovered, send_count, repeats, checks, fence, owner, owned_until,
    sent_at, created_at, updated_at)
    values (?, 'dev', ?, 'CREATE_SESSION', 'KAYLE', ?, ?, 'SENT', ?, ?, '', 0, 1, 0, 0, 1, 'limit', ?, ?, ?, ?)`)
  const record = database.prepare(`insert into sessions (id, tenant_id, account_id, provider, provider_id, created_at,
    updated_at, read_started_at, external_id, external_id_pinned, status, outcome, provider_status, test_mode, redirect_url_encrypted,
    expires_at, access_encrypted, applicant_pinned, customer_pinned, fetched_at, source, details_encrypted,
    polls)
    values (?, 'dev', ?, 'KAYLE', ?, ?, ?, ?, ?, 0, 'CREATED', 'PENDING', ?, 1, ?, ?, ?, 0, 0, ?, 'CALLER', ?, 0)`)
  const succeed = database.prepare(
    "update operations set state = 'SUCCEEDED', record_id = ?, input_encrypted = null, fence = 2 where id = ? and fence = 1",
  )
  const position = database.prepare(`insert into event_positions (tenant_id, position) values ('dev', 2)
    on conflict (tenant_id) do update set position = position + 2 returning position`)
  const event = database.prepare(
    "insert into events (tenant_id, position, id, session_id, provider, at, source, data) values ('dev', ?, ?, ?, 'KAYLE', ?, 'CALLER', ?)",
  )
  const store = database.transaction((operation: string, id: string, reported: Created, externalId: string) => {
    const now = Date.now()
    const access = { hostedUrl: reported.verification_url, sdkToken: null, cancelToken: reported.cancel_token }
    record.run(
      ...[
        id,
        kayleAccount,
        reported.id,
        Date.parse(reported.created_at),
        Date.parse(reported.updated_at),
        now,
        externalId,
      ],
      ...[
        reported.status,
        sealInSession(reported.redirect_url, 'redirect_url_encrypted', id),
        Date.parse(reported.expires_at),
        sealInSession(access, 'access_encrypted', id),
        now,
      ],
      sealInSession(reported.share_fields, 'details_encrypted', id),
    )
    const { position: last } = position.get() as { position: number }
    event.run(last - 1, randomUUID(), id, now, '{"type":"SessionCreated"}')
    event.run(last, randomUUID(), id, now, STATUS_CHANGED)
    if (succeed.run(id, operation).changes !== 1) throw new Error('Somebody else moved it.')
  })

  return async ({ idempotencyKey, externalId, session: { kayle } }: CreateInput) => {
    if (known.get(idempotencyKey)) throw new Error('The benchmark repeats no key.')
    const operation = randomUUID()
    const reference = `sg_${operation.replaceAll('-', '')}`
    const now = Date.now()
    const fingerprint = createHash('sha256').update(JSON.stringify(kayle)).digest('base64url')
    const encrypted = seal(kayle, placeIn('operations', 'input_encrypted', { id: operation, tenantId: 'dev' }))
    open.run(operation, kayleAccount, idempotencyKey, fingerprint, reference, encrypted, now + 29_000, now, now, now)
    const shareFields = Object.fromEntries(kayle.shareFields.map(({ key, ...field }) => [key, field]))
    const reported = await providers.createSession(`${kayle.redirectUrl}?sg_ref=${reference}`, shareFields)
    const id = randomUUID()
    store(operation, id, reported, externalId)
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
}

const STATUS_CHANGED = JSON.stringify({
  type: 'SessionStatusChanged',
  from: null,
  to: 'CREATED',
  fromOutcome: null,
  outcome: 'PENDING',
  providerStatus: 'created',
})

type Created = Awaited<ReturnType<Providers['createSession']>>
