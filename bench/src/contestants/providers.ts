import type { kayleCreated, kayleSession, rapidlyCustomer, yorletApplicants } from '../world.ts'
import { createPoolClient } from './pool-client.ts'

/** The three providers, called by handwritten code: no validation, no circuit breaker, no retry. */

export type KayleSession = ReturnType<typeof kayleSession>
export type RapidlyCustomer = ReturnType<typeof rapidlyCustomer>
export type YorletApplicants = ReturnType<typeof yorletApplicants>

export interface Providers {
  session(id: string): Promise<KayleSession>
  createSession(redirectUrl: string, shareFields: Record<string, object>): Promise<ReturnType<typeof kayleCreated>>
  customer(id: string): Promise<RapidlyCustomer>
  applicant(id: string, applicationId: string): Promise<YorletApplicants['data'][number]>
}

export const PATHS = {
  session: (id: string) => `/v1/sessions/${id}?include_attempts=true`,
  customer: (id: string) => `/customers/${id}`,
  applicants: (applicationId: string) => `/applications/${applicationId}/applicants`,
}

export function createProviders(env: NodeJS.ProcessEnv): Providers {
  const client = (name: string) => createPoolClient(env[`${name}_BASE_URL`] ?? '', `Bearer ${env[`${name}_API_KEY`]}`)
  const kayle = client('KAYLE')
  const rapidly = client('RAPIDLY')
  const yorlet = client('YORLET')
  return {
    session: async id => (await kayle.get<{ data: KayleSession }>(PATHS.session(id))).data,
    createSession: async (redirect_url, share_fields) => {
      const body = JSON.stringify({ redirect_url, share_fields })
      return (await kayle.post<{ data: ReturnType<typeof kayleCreated> }>('/v1/sessions', body)).data
    },
    customer: id => rapidly.get(PATHS.customer(id)),
    applicant: async (id, applicationId) => findApplicant(await yorlet.get(PATHS.applicants(applicationId)), id),
  }
}

export function findApplicant({ data }: YorletApplicants, id: string): YorletApplicants['data'][number] {
  const found = data.find(applicant => applicant.id === id)
  if (!found) throw new Error('No such applicant.')
  return found
}
