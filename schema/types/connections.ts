import type { InterfaceRef, ObjectRef } from '@pothos/core'
import type { Sync } from '../../src/domain/records/sync.ts'
import { builder, type SchemaTypes } from '../builder.ts'
import { ApplicantRef, AttemptRef, CustomerRef, SessionRef } from './refs.ts'
import { SyncRef } from './sync.ts'

/** The connection of one record type, with edges, nodes and the total count. */
export function connectionOf<T>(type: ObjectRef<SchemaTypes, T> | InterfaceRef<SchemaTypes, T>, recordType: string) {
  return builder.connectionObject(
    {
      type,
      name: `${type.name}Connection`,
      description: `A page of ${recordType}s.`,
      fields: t => ({
        totalCount: t.int({
          description: 'Total number of items, or null if there are more than 10,000. Select it only when you need it.',
          resolve: connection => connection.count(),
        }),
      }),
    },
    { name: `${type.name}Edge`, description: `One ${recordType} of a page, with its cursor.` },
  )
}

/** Marks the fields for which the event position is read at the start of the operation. */
export const LIVE_CURSOR = { liveCursor: true }

export const SessionConnectionRef = connectionOf(SessionRef, 'session')
builder.objectField(SessionConnectionRef, 'liveCursor', t =>
  t.string({
    nullable: false,
    extensions: LIVE_CURSOR,
    description: 'Pass this as `after` to a subscription to receive everything that happened since this read.',
    resolve: (_connection, _args, context) => context.liveCursor,
  }),
)
export const ApplicantConnectionRef = connectionOf(ApplicantRef, 'applicant')
export const CustomerConnectionRef = connectionOf(CustomerRef, 'customer')
export const AttemptConnectionRef = connectionOf(AttemptRef, 'attempt')
builder.objectField(AttemptConnectionRef, 'sync', t =>
  t.field({
    type: SyncRef,
    nullable: false,
    description: 'When the attempts were last read from the provider.',
    resolve: syncOf,
  }),
)

/** `attempts` fields resolve to the service's AttemptConnection, of which Pothos knows what all connections have. */
function syncOf(connection: object): Sync {
  if (!hasSync(connection)) throw new TypeError('The attempts were listed without the time of their read.')
  return connection.sync
}

function hasSync(connection: object): connection is { readonly sync: Sync } {
  return 'sync' in connection
}
