import { countCustomers, findCustomerByProviderId, findCustomers, listCustomers } from '../../db/customer-repository.ts'
import type { RecordFilter } from '../../db/record-filter.ts'
import type { Customer, CustomerSnapshot } from '../domain/customer.ts'
import type { Deps } from './deps.ts'
import { createRecords, type Records } from './records.ts'
import { isCustomerUnchanged, storeCustomer } from './store-customer.ts'

export type Customers = Records<Customer, RecordFilter, CustomerSnapshot>

export function createCustomers(deps: Deps): Customers {
  return createRecords(deps, {
    word: 'customer',
    capability: 'GET_CUSTOMER',
    find: findCustomers,
    findByProviderId: findCustomerByProviderId,
    list: listCustomers,
    count: countCustomers,
    store: storeCustomer,
    isUnchanged: isCustomerUnchanged,
    reader: client => client.getCustomer?.bind(client),
    toRef: async (_db, { providerId }: Customer) => ({ providerId }),
  })
}
