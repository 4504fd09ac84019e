import type { ObjectRef } from '@pothos/core'
import type { Loaders } from '../../src/loaders.ts'
import type { CreatedRecord } from '../../src/services/creates/create-kinds.ts'
import type { Created } from '../../src/services/creates/create-service.ts'
import { builder, type SchemaTypes } from '../builder.ts'
import { shortString } from '../inputs/rules.ts'
import { CREATE_ERRORS } from '../types/errors.ts'
import { ProviderOperationRef } from '../types/refs.ts'

/** The shared parts of the create mutations: the idempotency key, the payload's fields, the result union. */

/** The fields of every create input. */
export const idempotencyKey = {
  required: true,
  description:
    'A unique key that you choose for this request, 1 to 255 characters. Repeating a request with the same key never creates a second record.',
  validate: shortString,
} as const

export const externalId = {
  description: 'Your id for this user, 1 to 255 characters. All records with the same value belong to one `Person`.',
  validate: shortString,
}

/** The payload of a create of one record type, and its union with the expected errors. */
export function createResult<T extends CreatedRecord>(
  recordType: string,
  type: ObjectRef<SchemaTypes, T>,
  load: (loaders: Loaders, id: string) => Promise<T | null>,
) {
  const name = recordType.toLowerCase()
  const payload = builder.objectRef<Created>(`Create${recordType}Payload`).implement({
    description: `The ${name} that was created.`,
    fields: t => ({
      [name]: t.field({
        type,
        nullable: false,
        description: `The ${name}.`,
        // A repeated create returns the id of the record that the first one created.
        // Pothos's type of the result depends on T, which TypeScript cannot resolve here.
        resolve: ({ record }, _args, { loaders }) =>
          (typeof record === 'string' ? load(loaders, record) : record) as never,
      }),
      operation: t.field({
        type: ProviderOperationRef,
        nullable: false,
        description: 'The durable record of the create.',
        resolve: created => created.operation,
      }),
      replayed: t.exposeBoolean('replayed', {
        nullable: false,
        description: 'True if an earlier request with the same key created it.',
      }),
    }),
  })
  return builder.errorUnion(`Create${recordType}Result`, {
    description: `The ${name} that was created, or the error.`,
    types: [payload, ...CREATE_ERRORS],
    resolveType: () => payload.name,
  })
}
