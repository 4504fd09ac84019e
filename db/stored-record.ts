import type { Provider } from '../src/domain/provider.ts'
import type { Vault } from '../src/security/vault.ts'
import { toDate } from './columns.ts'
import { Sealed } from './sealed.ts'
import type { RecordRow } from './tables.ts'

/** What every record that a provider keeps has. What is sealed is opened when it is asked for: of a list, little is. */
export abstract class StoredRecord<Row extends Omit<RecordRow, 'external_id' | 'external_id_pinned'>> {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly providerId: string
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly beganAt: Date
  protected readonly sealed: Sealed<Row>

  constructor(row: Row, vault: Vault) {
    this.id = row.id
    this.tenantId = row.tenant_id
    this.accountId = row.account_id
    this.provider = row.provider as Provider
    this.providerId = row.provider_id
    this.createdAt = toDate(row.created_at)
    this.updatedAt = toDate(row.updated_at)
    this.beganAt = toDate(row.began_at)
    this.sealed = new Sealed(row, vault)
  }
}
