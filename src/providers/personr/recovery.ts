import { DomainError } from '../../domain/errors.ts'
import type { LostCreate, ProviderClient } from '../contract.ts'
import { verificationInput } from './input.ts'
import { toApplicantId, toAssumedSession } from './mapper.ts'
import { id } from './wire.ts'

/**
 * Personr lists nothing and finds nothing by our marker. A lost link may be made a second time, for both lead to the
 * same applicant and the first was handed to nobody; that this harms nobody is assumed, so it can be switched off. A
 * lost applicant waits for a webhook or an operator.
 */
export function createRecovery(
  { repeatLinks }: { readonly repeatLinks: 'on' | 'off' },
  { getApplicant }: Required<Pick<ProviderClient, 'getApplicant'>>,
): NonNullable<ProviderClient['recovery']> {
  return {
    session: {
      repeat: repeatLinks === 'on' ? { times: 1, afterSettleDelay: false } : undefined,
      assume: async (lost, providerId) => toAssumedSession(toLinkId(providerId), applicantOf(lost), lost.sentAt),
    },
    applicant: { assume: (_, providerId, call) => getApplicant({ providerId }, call) },
  }
}

function applicantOf({ input, applicantProviderId }: LostCreate): string {
  return toApplicantId(verificationInput.parse(input), applicantProviderId)
}

/** Nobody can be asked for a link: its form is all that shows whether it is one. */
function toLinkId(given: string): string {
  const linkId = id.safeParse(given)
  if (linkId.success) return linkId.data
  throw new DomainError('BAD_REQUEST', 'Expected the id of a link at PERSONR, which is the last segment of the link.')
}
