import type { SandboxSession } from './sandbox-session.ts'

/** The response of a create: exactly these five fields. */
export function toCreated(session: SandboxSession, origin: string) {
  return {
    id: session.id,
    session_token: session.token,
    session_url: `${origin}/verify/${session.token}`,
    status: session.status,
    expires_at: session.expires_at,
  }
}

/** The older documentation's body, with the fields of the newer create. */
export function toFull(session: SandboxSession, origin: string) {
  return {
    ...toSummary(session),
    applicant: toApplicant(session, { date_of_birth: null, nationality: null }),
    results: session.results,
    hosted_url: `${origin}/verify/${session.id}`,
    profile_id: session.input.profile_id,
    external_id: session.input.external_id ?? null,
    ...(!session.hidesMetadata && { metadata: session.input.metadata ?? null }),
    expires_at: session.expires_at,
  }
}

/** A list's item: no results, no link. */
export function toSummary(session: SandboxSession) {
  return {
    id: session.id,
    type: 'kyc',
    status: session.status,
    reference_id: session.input.external_id ?? null,
    steps: session.steps,
    applicant: toApplicant(session, {}),
    created_at: session.created_at,
    completed_at: session.completed_at,
  }
}

function toApplicant({ input }: SandboxSession, more: object) {
  if (!input.applicant_email && !input.applicant_name) return null
  const [first, ...rest] = input.applicant_name?.split(' ') ?? []
  return {
    first_name: first ?? null,
    last_name: rest.join(' ') || null,
    email: input.applicant_email ?? null,
    ...more,
  }
}
