/** The names of the providers, alphabetical. Adding one here makes the compiler ask for its module in the registry. */
export const PROVIDERS = ['KAYLE', 'PERSONR', 'RAPIDLY', 'VERILOCK', 'YORLET'] as const

export type Provider = (typeof PROVIDERS)[number]

export const CAPABILITIES = [
  'CREATE_SESSION',
  'GET_SESSION',
  'LIST_SESSIONS',
  'CANCEL_SESSION',
  'ATTEMPTS',
  'CREATE_APPLICANT',
  'GET_APPLICANT',
  'CREATE_CUSTOMER',
  'GET_CUSTOMER',
  'LIST_CUSTOMERS',
  'WEBHOOKS',
  'IDEMPOTENT_CREATE',
  'RECONCILE',
] as const

export type Capability = (typeof CAPABILITIES)[number]
