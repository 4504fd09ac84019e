/** What the demo does at each provider, with the ids that the sandboxes are seeded with. */

export type Part = 'attempts' | 'applicant' | 'customer'

export interface Story {
  readonly provider: string
  readonly title: string
  /** Where an applicant comes first: the fields of its provider input. */
  readonly applicant?: object
  /** The provider input of the session; it gets the applicant's id where one was made. */
  readonly session: (applicantId: string | undefined) => object
  /** What the end user does in the sandbox, in the provider's words, where the session can be read again. */
  readonly step?: string
  /** What has to come back with the session. */
  readonly parts: readonly Part[]
}

const KAYLE = {
  redirectUrl: 'https://app.example.com/done',
  shareFields: [{ key: 'date_of_birth', required: true, reason: 'To check that you are of age' }],
}

const PERSONR_APPLICANT = {
  email: 'johndoe@mail.com',
  phone: '+61 424 424 424',
  firstName: 'John',
  lastName: 'Doe',
  flowName: 'KYC basic',
}

const RAPIDLY = { customer: { customerExternalId: 'usr_1337' }, returnUrl: 'https://app.example.com/account' }

const VERILOCK = {
  profileId: '01234567-89ab-cdef-0123-456789abcdef',
  applicantEmail: 'jean.dupont@example.com',
  applicantName: 'Jean Dupont',
}

export const STORIES: readonly Story[] = [
  {
    provider: 'KAYLE',
    title: 'an identity verification',
    session: () => ({ kayle: KAYLE }),
    step: 'attempt_succeeded',
    parts: ['attempts'],
  },
  {
    provider: 'PERSONR',
    title: 'an applicant, and the link to verify it',
    applicant: { personr: PERSONR_APPLICANT },
    session: applicantId => ({ personr: { applicant: { applicantId } } }),
    step: 'approved',
    parts: ['attempts', 'applicant'],
  },
  {
    provider: 'RAPIDLY',
    title: 'a customer in the portal',
    session: () => ({ rapidly: RAPIDLY }),
    parts: ['customer'],
  },
  {
    provider: 'VERILOCK',
    title: 'a KYC check in steps',
    session: () => ({ verilock: VERILOCK }),
    step: 'approved',
    parts: ['attempts', 'applicant'],
  },
  {
    provider: 'YORLET',
    title: 'a rental application',
    session: () => ({ yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } }),
    parts: ['applicant', 'customer'],
  },
]
