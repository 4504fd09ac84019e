import { decodeGlobalId } from '../../domain/global-id.ts'
import type { Account } from '../accounts/account.ts'
import { ANY_STORED_READ, fetchNeverRead, ignoreNotFound } from '../records/never-read.ts'
import type { Applicants, Customers } from '../records/record-definitions.ts'
import type { RequestScope } from '../request-scope.ts'
import type { CreateCommand } from './create-plan.ts'

export interface NamedRecordServices {
  readonly applicants: Applicants
  readonly customers: Customers
}

/**
 * For a create with an owner: fetches the records that it names and that were never read, so that their owner is known. If
 * the provider does not have or cannot read a record, the create itself reports that.
 */
export async function fetchNamedRecords(
  { applicants, customers }: NamedRecordServices,
  scope: RequestScope,
  account: Account,
  { applicantId, customerId, externalId, request }: CreateCommand,
): Promise<void> {
  if ([externalId, applicantId, customerId].every(given => given == null)) return
  await fetchNeverRead(
    scope,
    { applicants, customers },
    {
      applicantIds: idsOf('Applicant', applicantId, request.applicant?.id),
      customerIds: idsOf('Customer', customerId, request.customer?.id),
    },
  )
  for (const [records, pointer] of [
    [applicants, request.applicant],
    [customers, request.customer],
  ] as const) {
    if (pointer?.providerId == null || !pointer.isReported) continue
    const lookup = { provider: account.provider, providerId: pointer.providerId }
    await records.get(scope, { atProvider: lookup }, ANY_STORED_READ).catch(ignoreNotFound)
  }
}

/** Our ids of the records of one type among global ids. */
function idsOf(typename: 'Applicant' | 'Customer', ...globalIds: readonly (string | null | undefined)[]): string[] {
  return globalIds.flatMap(globalId => {
    const decoded = globalId == null ? undefined : decodeGlobalId(globalId)
    return decoded?.typename === typename ? [decoded.id] : []
  })
}
