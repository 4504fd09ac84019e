import { createHash, randomUUID } from 'node:crypto'
import { encodeGlobalId } from '../../../src/domain/global-id.ts'
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

/** A create as safe as the house's: one durable commit before the call, one after it. */
export function prepareCreate({ database, vault, kayleAccount }: Store, providers: Providers) {
  const seal = (value: unknown) => vault.seal(JSON.stringify(value))
  const known = database.prepare("select state from operations where tenant_id = 'dev' and idempotency_key = ?")
  const open = database.prepare(`insert into operations (id, tenant_id, account_id, kind, provider, idempotency_key,
    fingerprint, state, reference, input_sealed, recovered, tries, repeats, checks, fence, owner, owned_until, sent_at,
    created_at, updated_at) values (?, 'dev', ?, 'SESSION', 'KAYLE', ?, ?, 'SENT', ?, ?, 0, 1, 0, 0, 1, 'limit', ?, ?, ?, ?)`)
  const record = database.prepare(`insert into sessions (id, tenant_id, account_id, provider, provider_id, created_at,
    updated_at, began_at, external_id, external_id_pinned, status, outcome, provider_status, livemode, redirect_url_sealed,
    expires_at, access_sealed, applicant_pinned, customer_pinned, fetched_at, source, details, details_sealed,
    polls)
    values (?, 'dev', ?, 'KAYLE', ?, ?, ?, ?, ?, 0, 'CREATED', 'PENDING', ?, 0, ?, ?, ?, 0, 0, ?, 'CREATE', '{}', ?, 0)`)
  const succeed = database.prepare(
    "update operations set state = 'SUCCEEDED', record_id = ?, input_sealed = null, fence = 2 where id = ? and fence = 1",
  )
  const position = database.prepare(`insert into positions (tenant_id, position) values ('dev', 2)
    on conflict (tenant_id) do update set position = position + 2 returning position`)
  const event = database.prepare(
    "insert into events (tenant_id, position, id, session_id, at, source, data) values ('dev', ?, ?, ?, ?, 'CREATE', ?)",
  )
  const store = database.transaction((operation: string, id: string, told: Created, externalId: string) => {
    const now = Date.now()
    const access = { hostedUrl: told.verification_url, token: null, cancelToken: told.cancel_token }
    record.run(
      ...[id, kayleAccount, told.id, Date.parse(told.created_at), Date.parse(told.updated_at), now, externalId],
      ...[told.status, seal(told.redirect_url), Date.parse(told.expires_at), seal(access), now],
      seal(told.share_fields),
    )
    const { position: last } = position.get() as { position: number }
    event.run(last - 1, randomUUID(), id, now, '{"type":"SessionCreated"}')
    event.run(last, randomUUID(), id, now, JSON.stringify({ type: 'StatusChanged', to: 'CREATED' }))
    if (succeed.run(id, operation).changes !== 1) throw new Error('Somebody else moved it.')
  })

  return async ({ idempotencyKey, externalId, session: { kayle } }: CreateInput) => {
    if (known.get(idempotencyKey)) throw new Error('The benchmark repeats no key.')
    const operation = randomUUID()
    const reference = `sg_${operation.replaceAll('-', '')}`
    const now = Date.now()
    const fingerprint = createHash('sha256').update(JSON.stringify(kayle)).digest('base64url')
    const sealed = seal(kayle)
    open.run(operation, kayleAccount, idempotencyKey, fingerprint, reference, sealed, now + 29_000, now, now, now)
    const shareFields = Object.fromEntries(kayle.shareFields.map(({ key, ...field }) => [key, field]))
    const told = await providers.createSession(`${kayle.redirectUrl}?sg_ref=${reference}`, shareFields)
    const id = randomUUID()
    store(operation, id, told, externalId)
    return {
      __typename: 'CreateSessionPayload' as const,
      replayed: false,
      session: {
        id: encodeGlobalId('Session', id),
        provider: 'KAYLE',
        providerId: told.id,
        status: 'CREATED',
        outcome: 'PENDING',
        externalId,
        access: { hostedUrl: told.verification_url },
      },
    }
  }
}

type Created = Awaited<ReturnType<Providers['createSession']>>
