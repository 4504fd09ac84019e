import { APPLICANT_STATUSES } from '../src/domain/applicant.ts'
import { ATTEMPT_KINDS, ATTEMPT_STATUSES } from '../src/domain/attempt.ts'
import { ERROR_CODES } from '../src/domain/errors.ts'
import { NEXT_ACTION_KINDS } from '../src/domain/next-action.ts'
import { CREATE_KINDS, CREATE_STATES } from '../src/domain/operation.ts'
import { OUTCOMES } from '../src/domain/outcome.ts'
import { CAPABILITIES, PROVIDERS } from '../src/domain/provider.ts'
import { SESSION_STATUSES } from '../src/domain/session.ts'
import { ON_REFRESH_ERRORS, STATUS_SOURCES } from '../src/domain/sync.ts'
import { builder } from './builder.ts'

export const ProviderEnum = builder.enumType('Provider', {
  description: 'The providers, alphabetical.',
  values: PROVIDERS,
})
export const CapabilityEnum = builder.enumType('Capability', {
  description: 'What a provider can do, as it is set up here.',
  values: CAPABILITIES,
})
export const SessionStatusEnum = builder.enumType('SessionStatus', {
  description: 'The lifecycle of a session.',
  values: SESSION_STATUSES,
})
export const ApplicantStatusEnum = builder.enumType('ApplicantStatus', {
  description: 'The lifecycle of an applicant.',
  values: APPLICANT_STATUSES,
})
export const AttemptStatusEnum = builder.enumType('AttemptStatus', {
  description: 'The lifecycle of an attempt.',
  values: ATTEMPT_STATUSES,
})
export const AttemptKindEnum = builder.enumType('AttemptKind', {
  description: 'What an attempt is at its provider.',
  values: {
    ATTEMPT: { value: ATTEMPT_KINDS[0], description: 'One try of the end user (Kayle).' },
    CHECK: { value: ATTEMPT_KINDS[1], description: 'The result of one step (Verilock).' },
    REVIEW: { value: ATTEMPT_KINDS[2], description: 'The latest review of an applicant (Personr).' },
  } as const,
})
export const OutcomeEnum = builder.enumType('Outcome', {
  description: 'The decision of the provider; never guessed from the lifecycle alone.',
  values: OUTCOMES,
})
export const StatusSourceEnum = builder.enumType('StatusSource', {
  description: 'How something became known to us.',
  values: STATUS_SOURCES,
})
export const OnRefreshErrorEnum = builder.enumType('OnRefreshError', {
  description: 'What to do where the provider cannot be asked.',
  values: ON_REFRESH_ERRORS,
})
export const CreateKindEnum = builder.enumType('CreateKind', {
  description: 'What a create makes.',
  values: CREATE_KINDS,
})
export const CreateStateEnum = builder.enumType('CreateState', {
  description: 'How far a create got.',
  values: CREATE_STATES,
})
export const ErrorCodeEnum = builder.enumType('ErrorCode', {
  description: 'The code of an error, in a result or in `extensions.code`. docs/errors.md says what to do about each.',
  values: ERROR_CODES,
})

const [VERIFY, APPLY, OPEN_PORTAL, WAIT, RETRY, NONE, UNKNOWN] = NEXT_ACTION_KINDS
export const NextActionKindEnum = builder.enumType('NextActionKind', {
  description: 'What an app has its user do next.',
  values: {
    VERIFY: { value: VERIFY, description: 'Go through the verification at `url`.' },
    APPLY: { value: APPLY, description: 'Go on with the application at `url`.' },
    OPEN_PORTAL: { value: OPEN_PORTAL, description: 'Open the customer portal at `url`.' },
    WAIT: { value: WAIT, description: 'Wait: the provider is at it.' },
    RETRY: { value: RETRY, description: 'Do it again: at `url`, or with a new session where that is null.' },
    NONE: { value: NONE, description: 'Nothing: it is decided or done, or nothing was ever begun.' },
    UNKNOWN: { value: UNKNOWN, description: 'It cannot be told. Read the session again later.' },
  } as const,
})
