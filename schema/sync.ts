import type { Sync, SyncError } from '../src/domain/sync.ts'
import { builder } from './builder.ts'
import { ErrorCodeEnum, OnRefreshErrorEnum, StatusSourceEnum } from './enums.ts'

export const SyncErrorRef = builder.objectRef<SyncError>('SyncError').implement({
  description: 'What went wrong the last time.',
  fields: t => ({
    code: t.expose('code', { type: ErrorCodeEnum, nullable: false, description: 'The code.' }),
    message: t.exposeString('message', { nullable: false, description: 'A sentence for a person.' }),
    at: t.expose('at', { type: 'DateTime', nullable: false, description: 'When.' }),
  }),
})

export const SyncRef = builder.objectRef<Sync>('Sync').implement({
  description: 'How fresh a record is.',
  fields: t => ({
    fetchedAt: t.expose('fetchedAt', {
      type: 'DateTime',
      nullable: false,
      description: 'When the provider was last asked, or when the provider itself told us.',
    }),
    stale: t.exposeBoolean('stale', {
      nullable: false,
      description: 'True where a newer answer was wanted and could not be had: `lastError` says why.',
    }),
    source: t.expose('source', {
      type: StatusSourceEnum,
      nullable: false,
      description: 'How the status became known.',
    }),
    lastError: t.expose('lastError', {
      type: SyncErrorRef,
      description: 'Why it is stale.',
    }),
  }),
})

export const FreshnessInput = builder.inputType('Freshness', {
  description:
    'How fresh a record has to be. Left out: as stored where it is younger than 30 seconds or its session is over, else asked for.',
  fields: t => ({
    maxAgeSeconds: t.int({
      description: 'The oldest that will do, in seconds; 0 asks the provider now.',
      validate: { min: [0, { message: 'Expected 0 or more.' }] },
    }),
    onError: t.field({
      type: OnRefreshErrorEnum,
      defaultValue: 'SERVE_STALE',
      description: 'What to do where the provider cannot be asked.',
    }),
  }),
})

/** The sync of a record that may be known by a link only: then it is as old as the link. */
export function syncOf(record: { readonly sync: Sync | null; readonly updatedAt: Date }): Sync {
  return record.sync ?? { fetchedAt: record.updatedAt, stale: true, source: 'FETCH', lastError: null }
}
