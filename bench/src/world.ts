/**
 * The data of the benchmark's providers, derived from a number: session N belongs to applicant N and to customer N/5.
 * Every process can derive every response, so no data is exchanged.
 */

export const SESSIONS_PER_CUSTOMER = 5
const BEGINNING = Date.UTC(2026, 0, 1)

export const kayleId = (n: number) => `vs_live_${n.toString(36).padStart(64, '0')}`
export const rapidlyId = (n: number) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
export const applicationId = (n: number) => `app_${n.toString(36)}`
export const applicantId = (n: number) => `apl_${n.toString(36)}`
export const customerOf = (session: number) => Math.floor(session / SESSIONS_PER_CUSTOMER)

const at = (n: number, minutes = 0) => new Date(BEGINNING + n * 1000 + minutes * 60_000).toISOString()

/** One in four was canceled, the others were completed with the second attempt. */
export function kayleSession(n: number) {
  const canceled = n % 4 === 0
  return {
    id: kayleId(n),
    status: canceled ? 'cancelled' : 'completed',
    contract_version: 1,
    share_fields: {
      date_of_birth: { required: true, reason: 'To check that you are of age', source: 'rc' },
      family_name: { required: true, reason: 'To know who you are', source: 'rc' },
      given_names: { required: false, reason: 'To know who you are', source: 'rc' },
    },
    redirect_url: `https://app.example.com/done?user=${n}`,
    expires_at: at(n, 60),
    completed_at: at(n, 5),
    created_at: at(n),
    updated_at: at(n, 5),
    attempts: [attempt(n, 1, 'failed'), attempt(n, 2, canceled ? 'failed' : 'succeeded')],
  }
}

function attempt(n: number, nth: number, status: 'failed' | 'succeeded') {
  return {
    id: `va_${n.toString(36)}_${nth}`,
    session_id: kayleId(n),
    status,
    failure_code: status === 'failed' ? 'document_unreadable' : null,
    risk_score: status === 'failed' ? 0 : 0.125,
    completed_at: at(n, nth + 1),
    created_at: at(n, nth),
    updated_at: at(n, nth + 1),
  }
}

/** The response to a create: its input, and an expiry after one hour. */
export function kayleCreated(n: number, redirectUrl: string) {
  const now = Date.now()
  return {
    ...kayleSession(n),
    status: 'created',
    redirect_url: redirectUrl,
    verification_url: `https://verify.example.com/${kayleId(n)}`,
    cancel_token: `ct_${n.toString(36).padStart(48, '0')}`,
    expires_at: new Date(now + 3_600_000).toISOString(),
    completed_at: null,
    created_at: new Date(now).toISOString(),
    updated_at: new Date(now).toISOString(),
    attempts: [],
  }
}

export function rapidlyCustomer(n: number) {
  return {
    id: rapidlyId(n),
    created_at: at(n),
    modified_at: at(n, 1),
    metadata: { plan: 'business', seats: 5 },
    external_id: `user-${n}`,
    email: `user-${n}@example.com`,
    email_verified: true,
    type: 'individual',
    name: `User ${n}`,
    billing_address: { country: 'GB', line1: '1 High Street', city: 'London', postal_code: 'N1 1AA' },
    workspace_id: rapidlyId(0),
    deleted_at: null,
    avatar_url: `https://www.example.com/avatars/${n}.png`,
  }
}

export function yorletApplicants(n: number) {
  const applicant = {
    id: applicantId(n),
    created: Math.floor(BEGINNING / 1000) + n,
    object: 'application.applicant',
    application: applicationId(n),
    customer: null,
    status: 'verified',
    lead_tenant: true,
    permitted_occupier: false,
    currency: 'gbp',
    share_of_rent: 100,
  }
  return { object: 'list', count: 1, has_more: false, data: [applicant] }
}
