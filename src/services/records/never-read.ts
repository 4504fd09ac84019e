import { NotFoundError, UnsupportedError } from '../../domain/errors.ts'
import type { RequestScope } from '../request-scope.ts'
import type { Applicants, Customers } from './record-definitions.ts'

/** Records that are stored because another record links them: their owner is known only after they were read. */

/** Accepts a read of any age: the owner of a record does not change. */
export const ANY_STORED_READ = { maxAgeSeconds: Number.MAX_SAFE_INTEGER, onError: 'FAIL' } as const

export interface LinkedIds {
  readonly applicantIds: readonly string[]
  readonly customerIds: readonly string[]
}

/** Fetches those of these records, and of the applicants' customers, that were never read. */
export async function fetchNeverRead(
  scope: RequestScope,
  { applicants, customers }: { readonly applicants: Applicants; readonly customers: Customers },
  { applicantIds, customerIds }: LinkedIds,
): Promise<void> {
  for (const applicant of await applicants.findMany(scope, applicantIds)) {
    if (applicant?.sync === null) await applicants.refresh(scope, applicant, ANY_STORED_READ).catch(ignoreNotFound)
  }
  const read = await applicants.findMany(scope, applicantIds)
  const owners = read.flatMap(applicant => applicant?.customerId ?? [])
  for (const customer of await customers.findMany(scope, [...new Set([...customerIds, ...owners])])) {
    if (customer?.sync === null) await customers.refresh(scope, customer, ANY_STORED_READ).catch(ignoreNotFound)
  }
}

/** A record that its provider does not have, or cannot read, stays as it is. */
export function ignoreNotFound(error: unknown): void {
  if (!(error instanceof NotFoundError || error instanceof UnsupportedError)) throw error
}
