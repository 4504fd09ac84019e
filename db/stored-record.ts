import type { Provider } from '../src/domain/provider.ts'
import type { Vault } from '../src/security/vault.ts'
import { toDate } from './columns.ts'
import { Sealed } from './sealed.ts'
import type { RecordRow } from './tables.ts'

/** A record as its row is. */
export interface AsStored {
  /** When the request began whose answer it holds. */
  readonly beganAt: Date
  /** All that its row holds but the times at which it was looked at, with what is sealed as it is sealed. */
  content(): string
}

/** What every record that a provider keeps has. What is sealed is opened when it is asked for: of a list, little is. */
export abstract class StoredRecord<Row extends Omit<RecordRow, 'external_id' | 'external_id_pinned'>>
  implements AsStored
{
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

  content(): string {
    return JSON.stringify(this.sealed.row, (column, value) => (CLOCKS.has(column) ? undefined : value))
  }
}

/** What the columns hold that tell when something was looked at. */
const CLOCKS: ReadonlySet<string> = new Set(['attempts_fetched_at', 'began_at', 'fetched_at', 'next_poll_at', 'polls'])
