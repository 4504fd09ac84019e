import type { JsonObject } from '../../src/domain/json.ts'
import type { Customer } from '../../src/domain/records/customer.ts'
import { encryptJson, omitUndefined, placeIn, type TenantOwnedRow } from '../core/columns.ts'
import type { Database } from '../core/database.ts'
import type { CustomerRow } from '../core/tables.ts'
import {
  createRecordRepository,
  FetchedRecord,
  RECORD_DEFAULTS,
  type RecordChange,
  toRecordColumns,
} from './record-repository.ts'
import type { Revised } from './stored-record.ts'

export interface CustomerPii {
  readonly email: string | null
  readonly name: string | null
  readonly phone: string | null
}

export interface CustomerChange extends RecordChange {
  readonly pii?: CustomerPii
  readonly metadata?: JsonObject | null
}

/** A customer with the columns that only the services read. */
export interface StoredCustomer extends Customer, Revised {
  readonly pii: CustomerPii
  readonly externalIdPinned: boolean
}

function toColumns(db: Database, row: TenantOwnedRow, change: CustomerChange): Partial<CustomerRow> {
  return omitUndefined({
    ...toRecordColumns(db, 'customers', row, change),
    metadata_encrypted: encryptJson(db.encryption, change.metadata, placeIn('customers', 'metadata_encrypted', row)),
  }) as Partial<CustomerRow>
}

const NO_PII: CustomerPii = { email: null, name: null, phone: null }

class CustomerRecord extends FetchedRecord<CustomerRow> implements StoredCustomer {
  get pii(): CustomerPii {
    return this.encrypted.decrypt<CustomerPii>('pii_encrypted') ?? NO_PII
  }

  get email(): string | null {
    return this.pii.email
  }

  get name(): string | null {
    return this.pii.name
  }

  get phone(): string | null {
    return this.pii.phone
  }

  get metadata(): JsonObject | null {
    return this.encrypted.decrypt<JsonObject>('metadata_encrypted')
  }
}

export const {
  count: countCustomers,
  find: findCustomers,
  findByProviderId: findCustomerByProviderId,
  insert: insertCustomer,
  list: listCustomers,
  listMany: listManyCustomers,
  update: updateCustomer,
} = createRecordRepository<CustomerRow, StoredCustomer, CustomerChange>('customers', {
  defaults: { ...RECORD_DEFAULTS, metadata_encrypted: null },
  toColumns,
  toRecord: (db, row) => new CustomerRecord('customers', row, db.encryption),
})
