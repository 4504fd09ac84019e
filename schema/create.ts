import type { ObjectRef } from '@pothos/core'
import type { CreateOperation } from '../src/domain/operation.ts'
import type { Created } from '../src/services/creates.ts'
import { builder, type SchemaTypes } from './builder.ts'
import { CREATE_ERRORS } from './errors.ts'
import { CreateOperationRef } from './refs.ts'
import { shortText } from './rules.ts'

/** What the creates share: their key, their payload's fields, their result union. */

/** The fields that every create's input has. */
export const idempotencyKey = {
  required: true,
  description: "The caller's own key of this create, 1 to 255 characters. The same key never makes a second thing.",
  validate: shortText,
} as const

export const externalId = {
  description: "The caller's own user id, 1 to 255 characters; it joins everything about one person.",
  validate: shortText,
}

/** The payload of a create of one noun, and the union of it with the errors that can be expected. */
export function createResult<T>(noun: string, record: ObjectRef<SchemaTypes, T>) {
  const name = noun.toLowerCase()
  const payload = builder.objectRef<Created>(`Create${noun}Payload`).implement({
    description: `The ${name} that was made.`,
    fields: t => ({
      [name]: t.field({
        type: record,
        nullable: false,
        description: `The ${name}.`,
        // The loader of the noun takes an id wherever the record itself may stand.
        resolve: created => created.record as never,
      }),
      operation: t.field({
        type: CreateOperationRef,
        nullable: false,
        description: 'The durable record of the create.',
        resolve: created => created.operation as CreateOperation,
      }),
      replayed: t.exposeBoolean('replayed', {
        nullable: false,
        description: 'True where an earlier call with the same key made it.',
      }),
    }),
  })
  return builder.errorUnion(`Create${noun}Result`, {
    description: `The ${name} that was made, or why it was not.`,
    types: [payload, ...CREATE_ERRORS],
    resolveType: () => payload.name,
  })
}
