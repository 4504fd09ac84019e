import { encodeGlobalId } from '../../src/domain/global-id.ts'
import type { Provider } from '../../src/domain/provider.ts'
import { ID_DESCRIPTION, type SchemaTypes } from '../builder.ts'
import { ProviderEnum } from './enums.ts'

/** The field builder of a type whose records have at least these properties. */
type FieldsOf<T> = PothosSchemaTypes.ObjectFieldBuilder<SchemaTypes, T>

/** The id of a record across all types. Pothos' own resolves to a promise, in each row of a list. */
export function globalIdField<Key extends string>(
  t: FieldsOf<{ readonly [name in Key]: string }>,
  typename: string,
  key: Key,
) {
  return t.id({
    nullable: false,
    description: ID_DESCRIPTION,
    resolve: record => encodeGlobalId(typename, record[key]),
  })
}

export function providerField(t: FieldsOf<{ readonly provider: Provider }>) {
  return t.expose('provider', {
    type: ProviderEnum,
    nullable: false,
    description: 'The provider that holds this record.',
  })
}

export function externalIdField(t: FieldsOf<{ readonly externalId: string | null }>) {
  return t.exposeString('externalId', {
    description: 'Your id for this user. All records with the same value belong to one `Person`.',
  })
}

export function providerStatusField(t: FieldsOf<{ readonly providerStatus: string | null }>) {
  return t.exposeString('providerStatus', {
    description: 'The status as the provider reports it, unchanged. For display and support, not for logic.',
  })
}

export function timestampFields(t: FieldsOf<{ readonly createdAt: Date; readonly updatedAt: Date }>) {
  return {
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      nullable: false,
      description: 'When the provider created it; if the provider does not report that, when it was first stored here.',
    }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      nullable: false,
      description:
        'When the provider last changed it; if the provider does not report that, when the last change was stored here.',
    }),
  }
}
