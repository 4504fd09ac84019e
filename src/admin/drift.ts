import type { StoredDrift } from '../../db/repositories/drift-repository.ts'
import { PROVIDERS } from '../domain/provider.ts'
import type { AdminHandler } from './handler.ts'
import { readChoice } from './parameters.ts'

const MAX_KINDS = 200

/**
 * `?provider`: deviations of responses from the documentation. `shape` contains types and field names, never a value.
 */
export const showDrift: AdminHandler = async ({ services }, { tenantId }, { search }) => {
  const provider = readChoice(search, 'provider', PROVIDERS)
  const drift = await services.providerStats.drift({ tenantId }, MAX_KINDS, provider)
  return { rows: drift.map(toDriftRow), cut: drift.length === MAX_KINDS }
}

export function toDriftRow({ tenantId: _tenant, accountId: _account, ...row }: StoredDrift) {
  return row
}
