/** What the sandbox of each of the five takes for a session, as it is seeded. A provider that joins brings a test of its own. */
export const SESSION_INPUTS = {
  KAYLE: { kayle: { redirectUrl: 'https://app.example.com/done' } },
  PERSONR: { personr: { applicant: { applicantProviderId: '4242424242424x424242424242424242' } } },
  RAPIDLY: { rapidly: { customer: { customerExternalId: 'usr_1337' }, returnUrl: 'https://app.example.com/account' } },
  VERILOCK: {
    verilock: {
      profileId: '01234567-89ab-cdef-0123-456789abcdef',
      applicantEmail: 'jean.dupont@example.com',
      applicantName: 'Jean Dupont',
      redirectUrl: 'https://app.example.com/done',
    },
  },
  YORLET: { yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } },
} as const

/** One of the five. */
export type Tried = keyof typeof SESSION_INPUTS
export const TRIED = Object.keys(SESSION_INPUTS) as Tried[]
