/** One scenario per provider, with the ids of the sandbox seeds. */

export type Step = 'attempts' | 'applicant' | 'customer'

export interface Scenario {
  readonly provider: string
  readonly title: string
  /** The provider input of the applicant, if one is created first. */
  readonly applicant?: object
  /** The provider input of the session; the id of a created applicant is added. */
  readonly session: (applicantId: string | undefined) => object
  /** The sandbox step of the end user, for providers whose sessions can be read. */
  readonly step?: string
  /** The records that the session has to include. */
  readonly steps: readonly Step[]
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

const RAPIDLY = { customer: { customerExternalId: 'usr_1337' }, redirectUrl: 'https://app.example.com/account' }

const VERILOCK = {
  profileId: '01234567-89ab-cdef-0123-456789abcdef',
  applicantEmail: 'jean.dupont@example.com',
  applicantName: 'Jean Dupont',
}

export const SCENARIOS: readonly Scenario[] = [
  {
    provider: 'KAYLE',
    title: 'an identity verification',
    session: () => ({ kayle: KAYLE }),
    step: 'attempt_succeeded',
    steps: ['attempts'],
  },
  {
    provider: 'PERSONR',
    title: 'an applicant, and the link to verify it',
    applicant: { personr: PERSONR_APPLICANT },
    session: applicantId => ({ personr: { applicant: { applicantId } } }),
    step: 'approved',
    steps: ['attempts', 'applicant'],
  },
  {
    provider: 'RAPIDLY',
    title: 'a customer in the portal',
    session: () => ({ rapidly: RAPIDLY }),
    steps: ['customer'],
  },
  {
    provider: 'VERILOCK',
    title: 'a KYC check in steps',
    session: () => ({ verilock: VERILOCK }),
    step: 'approved',
    steps: ['attempts', 'applicant'],
  },
  {
    provider: 'YORLET',
    title: 'a rental application',
    session: () => ({ yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } }),
    steps: ['applicant', 'customer'],
  },
]
