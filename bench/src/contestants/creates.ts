import {
  type CreateInput,
  EVENT_COLUMNS,
  OPERATION_COLUMNS,
  SESSION_COLUMNS,
  toEvents,
  toOperation,
  toPayload,
  toSession,
} from './create-rows.ts'
import type { Providers } from './providers.ts'
import type { Store } from './store.ts'

/** Each is one durable commit. */
interface CreateWrites {
  open(operation: ReturnType<typeof toOperation>): unknown
  store(operationId: string, session: ReturnType<typeof toSession>): unknown
}

/** A create as durable as ours: one write before the call, one after it. */
export function createWith(
  { encryption, kayleAccount }: Pick<Store, 'encryption' | 'kayleAccount'>,
  providers: Providers,
  { open, store }: CreateWrites,
) {
  return async (input: CreateInput) => {
    const operation = toOperation(encryption, kayleAccount, input)
    await open(operation)
    const reported = await providers.createSession(operation.redirectUrl, operation.shareFields)
    const session = toSession(encryption, kayleAccount, reported, input.externalId)
    await store(operation.id, session)
    return toPayload(session.id, reported, input.externalId)
  }
}

/** The create of SQLite. */
export function prepareCreate({ database, encryption, kayleAccount }: Store, providers: Providers) {
  const insert = (table: string, columns: string) =>
    database.prepare(`insert into ${table} (${columns}) values (${columns.replaceAll(/\w+/g, '?')})`)
  const known = database.prepare("select state from operations where tenant_id = 'dev' and idempotency_key = ?")
  const open = insert('operations', OPERATION_COLUMNS)
  const record = insert('sessions', SESSION_COLUMNS)
  const event = insert('events', EVENT_COLUMNS)
  const succeed = database.prepare(
    "update operations set state = 'SUCCEEDED', record_id = ?, input_encrypted = null, fence = 2 where id = ? and fence = 1",
  )
  const position = database.prepare(`insert into event_positions (tenant_id, position) values ('dev', 2)
    on conflict (tenant_id) do update set position = position + 2 returning position`)
  const store = database.transaction((operation: string, session: ReturnType<typeof toSession>) => {
    record.run(...session.values)
    const { position: last } = position.get() as { position: number }
    for (const [nth, values] of toEvents(session.id).entries()) event.run('dev', last - 1 + nth, ...values)
    if (succeed.run(session.id, operation).changes !== 1) throw new Error('Somebody else moved it.')
  })

  const create = createWith({ encryption, kayleAccount }, providers, {
    open: ({ values }) => open.run(...values),
    store,
  })
  return async (input: CreateInput) => {
    if (known.get(input.idempotencyKey)) throw new Error('The benchmark repeats no key.')
    return create(input)
  }
}
