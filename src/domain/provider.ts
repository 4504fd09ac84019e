/** The providers, in alphabetical order. The compiler requires a module in the registry for each. */
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
  'REDACT',
  'RENEW_ACCESS',
  'UPDATE_CUSTOMER',
] as const

export type Capability = (typeof CAPABILITIES)[number]
