import type { ArgBuilder } from '@pothos/core'
import type { ProviderFailure, Sync } from '../../src/domain/records/sync.ts'
import { builder, type SchemaTypes } from '../builder.ts'
import { ChangeSourceEnum, ErrorCodeEnum, OnRefreshErrorEnum } from './enums.ts'

export const ProviderFailureRef = builder.objectRef<ProviderFailure>('ProviderFailure').implement({
  description: 'The latest error.',
  fields: t => ({
    code: t.expose('code', { type: ErrorCodeEnum, nullable: false, description: 'The code of the error.' }),
    message: t.exposeString('message', { nullable: false, description: 'Explanation for developers.' }),
    at: t.expose('at', { type: 'DateTime', nullable: false, description: 'When it happened.' }),
    providerCode: t.exposeString('providerCode', { description: "The provider's own error code, if it sent one." }),
  }),
})

export const SyncRef = builder.objectRef<Sync>('Sync').implement({
  description: 'When a record was last read from its provider, and whether that succeeded.',
  fields: t => ({
    fetchedAt: t.expose('fetchedAt', {
      type: 'DateTime',
      nullable: false,
      description: 'When the record was last read from the provider, or received in a webhook.',
    }),
    stale: t.exposeBoolean('stale', {
      nullable: false,
      description:
        'True if a refresh was needed and failed, or the provider reported a status or outcome that is not known here. `lastError` has the reason.',
    }),
    source: t.expose('source', {
      type: ChangeSourceEnum,
      nullable: false,
      description: 'How this server learned of the status.',
    }),
    lastError: t.expose('lastError', {
      type: ProviderFailureRef,
      description: 'Why the record is stale.',
    }),
  }),
})

const FreshnessInput = builder.inputType('Freshness', {
  description:
    'How old a stored record may be before it is read from the provider again. An omitted argument is that of the nearest field above that has one, as a whole. Without any: 30 seconds; records of finished sessions are not read again.',
  fields: t => ({
    maxAgeSeconds: t.int({
      description: 'Maximum age in seconds, 0 to 2147483647. 0 always reads from the provider.',
      validate: { min: [0, { message: 'Expected 0 or more.' }] },
    }),
    onError: t.field({
      type: OnRefreshErrorEnum,
      defaultValue: 'SERVE_STALE',
      description: 'What to return if the record cannot be read from its provider.',
    }),
  }),
})

/** The argument of a field that can call the provider. */
export function freshnessArgument(arg: ArgBuilder<SchemaTypes>) {
  return arg({
    type: FreshnessInput,
    description: 'How old a stored record may be. Default: as at the nearest field above that has this argument.',
  })
}

/** The argument of a field that reads from the store: fields below inherit it. */
export function freshnessBelowArgument(arg: ArgBuilder<SchemaTypes>) {
  return arg({
    type: FreshnessInput,
    description: 'How old the records may be that fields below read from providers. This field reads from the store.',
  })
}

/** The sync of a record that may exist only as a link's target: then its time is that of the link. */
export function syncOf(record: { readonly sync: Sync | null; readonly updatedAt: Date }): Sync {
  return record.sync ?? { ...NEVER_READ, fetchedAt: record.updatedAt }
}

const NEVER_READ = { stale: true, source: 'FETCH', lastError: null, readId: null, startedMs: 0 } as const
