import type { InterfaceRef, ObjectRef } from '@pothos/core'
import type { Connection } from '../src/services/connection.ts'
import { builder, type SchemaTypes } from './builder.ts'
import { ApplicantRef, AttemptRef, CustomerRef, SessionRef } from './refs.ts'

/** The connection over one noun, with its edges, nodes and total. */
export function connectionOf<T>(type: ObjectRef<SchemaTypes, T> | InterfaceRef<SchemaTypes, T>, noun: string) {
  return builder.connectionObject(
    {
      type,
      name: `${type.name}Connection`,
      description: `A page of ${noun}s.`,
      fields: t => ({
        totalCount: t.int({
          description: 'How many there are on all pages, null beyond 10,000. Counted only when selected.',
          resolve: connection => (connection as unknown as Connection<T>).count(),
        }),
      }),
    },
    { name: `${type.name}Edge`, description: `One row of a page of ${noun}s.` },
  )
}

export const SessionConnection = connectionOf(SessionRef, 'session')
builder.objectField(SessionConnection, 'liveCursor', t =>
  t.string({
    nullable: false,
    description: 'The position before this read: pass it as `after` to a subscription, and nothing falls between.',
    resolve: (_connection, _args, context) => context.liveCursor,
  }),
)
export const ApplicantConnection = connectionOf(ApplicantRef, 'applicant')
export const CustomerConnection = connectionOf(CustomerRef, 'customer')
export const AttemptConnection = connectionOf(AttemptRef, 'attempt')
