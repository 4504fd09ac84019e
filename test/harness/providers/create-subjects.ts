import type { Provider } from '../../../src/domain/provider.ts'
import type { Path } from '../documents/mutate.ts'

/** Free text of a provider. No response of ours may contain it. */
export const FREE_TEXT = 'written by the provider'

/** A create of one record type at one provider: the input, and the documented responses. */
export interface Subject {
  readonly provider: Provider
  readonly recordType: 'Session' | 'Applicant' | 'Customer'
  /** The path of its create requests. */
  readonly path: string
  readonly input: Readonly<Record<string, object>>
  /** The documented success of the n-th create. */
  readonly made: (n: number) => object
  /** The path of the required id in the success, and an id with an invalid format. */
  readonly id: Path
  readonly wrongId: string
  /** The path of an optional value in the success. */
  readonly optional: Path
  /** The documented error body for a status. */
  readonly refusal: (status: number) => object
  /** True where the outcome of a lost create can be found. */
  readonly settlesItself: boolean
  /** True where requests have an Idempotency-Key, so that a 409 may refer to an executed create. */
  readonly keyed?: boolean
}

const digits = (n: number, length: number) => String(n).padStart(length, '0')
const uuid = (n: number) => `0a1b2c3d-4e5f-4a6b-8c7d-${digits(n, 12)}`
const iso = (hour: number) => `2026-06-17T${digits(hour, 2)}:00:00.123456Z`

const rapidlyRefusal = () => ({
  error: 'RequestValidationError',
  detail: [{ type: 'value_error', loc: ['body', 'email'], msg: FREE_TEXT, input: FREE_TEXT }],
})
const yorletRefusal = (status: number) => ({
  error: { type: 'invalid_request', param: 'email', message: FREE_TEXT },
  status,
})
const personrRefusal = (status: number) => ({ statusCode: status, message: FREE_TEXT })
const rapidlyCustomer = (n: number) => ({
  id: uuid(n),
  created_at: iso(9),
  modified_at: null,
  metadata: {},
  external_id: `usr_${n}`,
  email: `${n}@example.com`,
  email_verified: false,
  type: 'individual',
  name: 'John Doe',
  billing_address: null,
  workspace_id: uuid(1),
  deleted_at: null,
})

export const SUBJECTS: readonly Subject[] = [
  {
    provider: 'KAYLE',
    recordType: 'Session',
    path: '/kayle/v1/sessions',
    input: { kayle: { redirectUrl: 'https://app.example.com/done' } },
    made: n => ({
      data: {
        id: `vs_${digits(n, 64)}`,
        status: 'created',
        contract_version: 1,
        share_fields: { date_of_birth: { required: true, reason: 'To check it', source: 'rc' } },
        redirect_url: 'https://app.example.com/done',
        verification_url: `https://verify.kayle.id/vs_${digits(n, 64)}?cancel_token=${digits(n, 48)}`,
        cancel_token: digits(n, 48),
        expires_at: '2099-11-21T12:00:00.000Z',
        completed_at: null,
        created_at: '2026-11-21T11:00:00.000Z',
        updated_at: '2026-11-21T11:00:00.000Z',
      },
      error: null,
    }),
    id: ['data', 'id'],
    wrongId: 'vs_short',
    optional: ['data', 'expires_at'],
    refusal: () => ({
      data: null,
      error: { code: 'INVALID_REDIRECT_URL', message: FREE_TEXT, hint: FREE_TEXT, docs: FREE_TEXT },
    }),
    settlesItself: true,
  },
  {
    provider: 'PERSONR',
    recordType: 'Session',
    path: '/personr/api-verificationlink-create',
    input: { personr: { applicant: { applicantProviderId: '4242424242424x424242424242424242' } } },
    made: n => ({
      status: 'success',
      response: { verificationLink: `https://enterprise.personr.co/verification/1700000000000x${digits(n, 18)}` },
      customLink: null,
    }),
    id: ['response', 'verificationLink'],
    wrongId: 'https://enterprise.personr.co/',
    optional: ['customLink'],
    refusal: personrRefusal,
    settlesItself: true,
  },
  {
    provider: 'PERSONR',
    recordType: 'Applicant',
    path: '/personr/api-applicant-create',
    input: { personr: { email: 'ann@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' } },
    made: n => ({
      status: 'success',
      response: {
        applicantId: `1700000000000x${digits(n, 18)}`,
        email: 'ann@example.com',
        phone: '+46 70 000 00 00',
        flowName: 'KYC basic',
        applicantStatus: 'Created',
      },
    }),
    id: ['response', 'applicantId'],
    wrongId: 'no id',
    optional: ['response', 'email'],
    refusal: personrRefusal,
    settlesItself: false,
  },
  {
    provider: 'RAPIDLY',
    recordType: 'Session',
    path: '/rapidly/customer-sessions/',
    input: { rapidly: { customer: { customerExternalId: 'usr_1337' } } },
    made: n => ({
      id: uuid(n),
      created_at: iso(10),
      modified_at: null,
      token: `rapidly_cst_${digits(n, 40)}`,
      expires_at: '2099-06-17T11:00:00.123400Z',
      return_url: null,
      customer_portal_url: `https://rapidly.tech/acme/portal?customer_session_token=rapidly_cst_${digits(n, 40)}`,
      customer_id: uuid(1),
      customer: rapidlyCustomer(1),
    }),
    id: ['id'],
    wrongId: 'no-uuid',
    optional: ['expires_at'],
    refusal: rapidlyRefusal,
    settlesItself: true,
  },
  {
    provider: 'RAPIDLY',
    recordType: 'Customer',
    path: '/rapidly/customers/',
    input: { rapidly: { email: 'ann@example.com' } },
    made: rapidlyCustomer,
    id: ['id'],
    wrongId: 'no-uuid',
    optional: ['email'],
    refusal: rapidlyRefusal,
    settlesItself: true,
  },
  {
    provider: 'VERILOCK',
    recordType: 'Session',
    path: '/verilock/sessions',
    input: { verilock: { profileId: '01234567-89ab-cdef-0123-456789abcdef' } },
    made: n => ({
      id: `ses_${uuid(n)}`,
      session_token: `tok_${n}`,
      session_url: `https://verilock.io/verify/tok_${n}`,
      status: 'created',
      expires_at: '2099-03-15T11:30:00Z',
    }),
    id: ['id'],
    wrongId: 'session-1',
    optional: ['expires_at'],
    refusal: () => ({ error: 'validation_error', message: FREE_TEXT, details: { profile_id: [FREE_TEXT] } }),
    settlesItself: true,
  },
  {
    provider: 'YORLET',
    recordType: 'Session',
    path: '/yorlet/application_sessions',
    input: { yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } },
    made: n => ({
      id: `apps_${n}`,
      created: 1_747_000_000,
      object: 'application_session',
      application: 'app_manvb1x2k9QpLr3T',
      application_status: 'apst_manvb9c4m2WsXy5Z',
      customer: 'cus_lrhplff1u4ZhIPSU',
      mode: 'classic',
      status: 'pending',
      url: `https://apply.yorlet.com/apps_${n}`,
    }),
    id: ['id'],
    wrongId: '',
    optional: ['created'],
    refusal: yorletRefusal,
    settlesItself: true,
    keyed: true,
  },
  {
    provider: 'YORLET',
    recordType: 'Customer',
    path: '/yorlet/customers',
    input: { yorlet: { email: 'ann@example.com' } },
    made: n => ({ id: `cus_${n}`, created: 1_705_491_484, email: 'ann@example.com', name: 'Ann', metadata: {} }),
    id: ['id'],
    wrongId: '',
    optional: ['created'],
    refusal: yorletRefusal,
    settlesItself: true,
    keyed: true,
  },
]
