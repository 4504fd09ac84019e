/** A valid session input for each seeded sandbox. A new provider has its own test. */
export const SESSION_INPUTS = {
  KAYLE: { kayle: { redirectUrl: 'https://app.example.com/done' } },
  PERSONR: { personr: { applicant: { applicantProviderId: '4242424242424x424242424242424242' } } },
  RAPIDLY: {
    rapidly: { customer: { customerExternalId: 'usr_1337' }, redirectUrl: 'https://app.example.com/account' },
  },
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

/** An external id that is consistent with each input; null where the provider determines it. */
export const WHOSE = {
  KAYLE: 'user-1',
  PERSONR: null,
  RAPIDLY: 'usr_1337',
  VERILOCK: 'user-1',
  YORLET: 'user-1',
} as const

export type Tried = keyof typeof SESSION_INPUTS
export const TRIED = Object.keys(SESSION_INPUTS) as Tried[]
