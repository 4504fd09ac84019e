import { DomainError } from '../../domain/errors.ts'
import type { ProviderClient, ReadCall, RecoveryCandidate, RecoveryCandidates, UnknownCreate } from '../contract.ts'
import { assertOwnMarker } from '../own-marker.ts'
import { applicantInput, verificationInput } from './input.ts'
import { findReference, toApplicant, toApplicantId, toAssumedSession } from './mapper.ts'
import { type Applicant, id } from './wire.ts'

interface Reads {
  readApplicant(providerId: string, call: ReadCall): Promise<Applicant>
  readonly now: () => Date
}

/**
 * Personr has no lists and no search by our marker. An unknown link may be created again, because both links lead to
 * the same applicant and the first was never returned. The duplicate is assumed to be harmless, so a setting turns it
 * off. An unknown applicant waits for a webhook or an operator.
 */
export function createRecovery(
  { repeatLinks }: { readonly repeatLinks: 'on' | 'off' },
  { readApplicant, now }: Reads,
): NonNullable<ProviderClient['recovery']> {
  return {
    session: {
      repeat: repeatLinks === 'on' ? { times: 1, afterSettleDelay: false } : undefined,
      traces: toLinkCandidates,
      isAssumed: true,
      reconstruct: async (unknownCreate, providerId) =>
        toAssumedSession(toLinkId(providerId), applicantOf(unknownCreate), unknownCreate.sentAt),
    },
    applicant: {
      traces: toApplicantCandidates,
      async reconstruct({ reference }, providerId, call) {
        const applicant = await readApplicant(providerId, call)
        assertOwnMarker(findMarker(applicant, reference), { reference })
        return toApplicant(providerId, applicant, now())
      },
    },
  }
}

/** Our marker, or that of another create. */
function findMarker({ externalUserId }: Applicant, reference: string): string | undefined {
  const ids = externalUserId ?? []
  return ids.includes(reference) ? reference : findReference(ids)
}

/** A link contains nothing but its applicant. */
function toLinkCandidates(unknownCreate: UnknownCreate): RecoveryCandidates {
  return {
    traces: [{ where: 'the applicant that the link is for', value: applicantOf(unknownCreate) }],
    warning: 'Personr does not list links, so an empty search proves nothing. The link was never returned to a caller.',
  }
}

function toApplicantCandidates({ input, externalId, reference }: UnknownCreate): RecoveryCandidates {
  const { email, phone, flowName, firstName, lastName } = applicantInput.parse(input)
  const traces: RecoveryCandidate[] = [
    { where: 'among externalUserId', value: reference },
    ...(externalId ? [{ where: 'among externalUserId', value: externalId }] : []),
    { where: 'flowName', value: flowName },
    { where: 'email', value: email, isPersonal: true },
    { where: 'phone', value: phone, isPersonal: true },
  ]
  if (firstName) traces.push({ where: 'nameFirst', value: firstName, isPersonal: true })
  if (lastName) traces.push({ where: 'nameLast', value: lastName, isPersonal: true })
  return { traces }
}

function applicantOf({ input, applicantProviderId }: UnknownCreate): string {
  return toApplicantId(verificationInput.parse(input), applicantProviderId)
}

/** A link cannot be read: only its form can be validated. */
function toLinkId(given: string): string {
  const linkId = id.safeParse(given)
  if (linkId.success) return linkId.data
  throw new DomainError('BAD_REQUEST', 'Expected the id of a link at PERSONR, which is the last segment of the link.')
}
