import {
  countApplicants,
  findApplicantByProviderId,
  findApplicants,
  listApplicants,
} from '../../db/applicant-repository.ts'
import type { RecordFilter } from '../../db/record-filter.ts'
import type { Applicant, ApplicantSnapshot } from '../domain/applicant.ts'
import type { Deps } from './deps.ts'
import { createRecords, type Records } from './records.ts'
import { isApplicantUnchanged, storeApplicant } from './store-applicant.ts'

export type Applicants = Records<Applicant, RecordFilter, ApplicantSnapshot>

export function createApplicants(deps: Deps): Applicants {
  return createRecords(deps, {
    word: 'applicant',
    capability: 'GET_APPLICANT',
    find: findApplicants,
    findByProviderId: findApplicantByProviderId,
    list: listApplicants,
    count: countApplicants,
    store: storeApplicant,
    isUnchanged: isApplicantUnchanged,
    reader: client => client.getApplicant?.bind(client),
    toRef: async (_db, { providerId, parentProviderId }: Applicant) => ({ providerId, parentProviderId }),
  })
}
