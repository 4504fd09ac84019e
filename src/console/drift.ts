import { PROVIDERS } from '../domain/provider.ts'
import type { Answer } from './desk.ts'

const MOST = 200

/** `?provider`: where answers were other than documented. `shape` has types and names of fields, never a value. */
export const showDrift: Answer = async ({ services }, { tenantId }, { search }) => {
  const provider = PROVIDERS.find(known => known === search.get('provider'))
  const drift = await services.observations.drift({ tenantId }, MOST, provider)
  const rows = drift.map(({ tenantId: _tenant, accountId: _account, ...row }) => row)
  return { rows, cut: rows.length === MOST }
}
