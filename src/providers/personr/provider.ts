import { z } from 'zod'
import { UnsupportedError } from '../../domain/errors.ts'
import type { Refusal } from '../../upstream/answer.ts'
import type { Connection, ProviderClient, ReadCall, RecordRef } from '../contract.ts'
import { applicantInput, verificationInput } from './input.ts'
import { createSend } from './login.ts'
import { toApplicant, toApplicantId, toCreatedApplicant, toCreatedSession, toForm, toSession } from './mapper.ts'
import { createRecovery } from './recovery.ts'
import {
  createdAnswer,
  detailsAnswer,
  errorBody,
  INCORRECT_FLOW_NAME,
  linkAnswer,
  type Status,
  statusAnswer,
} from './wire.ts'

export const settings = z.object({
  baseUrl: z.url({ protocol: /^https?$/ }).default('https://enterprise.personr.co/api/1.1/wf'),
  /** A token that somebody else renews. Without one, e-mail and password log in. */
  apiKey: z.string().min(1).optional(),
  email: z.string().min(1).optional(),
  password: z.string().min(1).optional(),
  /** Making a link once more where the answer to the first never came: a second link is assumed to harm nobody. */
  repeatLinks: z.enum(['on', 'off']).default('on'),
})
export type Settings = z.infer<typeof settings>

const CAPABILITIES = [
  'CREATE_SESSION',
  'GET_SESSION',
  'ATTEMPTS',
  'CREATE_APPLICANT',
  'GET_APPLICANT',
  'WEBHOOKS',
] as const

export function connect({ settings, upstream, now, secrets }: Connection<Settings>): ProviderClient {
  const send = createSend(settings, upstream, secrets)

  async function readStatus(applicantId: string, operation: string, { signal, trail }: ReadCall): Promise<Status> {
    const answer = await send({
      operation,
      kind: 'READ',
      path: '/api-applicant-status',
      form: { applicantId },
      signal,
      trail,
      schema: statusAnswer,
    })
    const { result } = answer.response
    if (result?.applicant && result.applicant !== applicantId) {
      throw upstream.refuse(operation, 'PERSONR sent the result of another applicant.')
    }
    return answer.response
  }

  /** A third party alone documents this call, so its failure costs what it tells and nothing else. */
  async function readDetails(applicantId: string, operation: string, { signal, trail }: ReadCall) {
    try {
      const answer = await send({
        operation,
        kind: 'READ',
        path: '/api-applicant-details',
        form: { applicantId },
        signal,
        trail,
        schema: detailsAnswer,
      })
      return answer.response
    } catch (error) {
      if (signal?.aborted) throw error
      return undefined
    }
  }

  async function getApplicant({ providerId }: RecordRef, call: ReadCall) {
    const [status, details] = await Promise.all([
      readStatus(providerId, 'getApplicant', call),
      readDetails(providerId, 'getApplicant', call),
    ])
    return toApplicant(providerId, { ...details, ...status }, now())
  }

  return {
    readsSessionsByApplicant: true,
    capabilities: settings.repeatLinks === 'on' ? [...CAPABILITIES, 'RECONCILE'] : CAPABILITIES,

    async createSession(input, call) {
      const applicantId = toApplicantId(verificationInput.parse(input), call.applicantProviderId)
      const link = await send({
        operation: 'createSession',
        kind: 'CREATE',
        path: '/api-verificationlink-create',
        // The documents' table names the one, their examples the other.
        form: { applicant: applicantId, applicantId },
        trail: call.trail,
        schema: linkAnswer,
      })
      return toCreatedSession(link, applicantId)
    },

    async getSession(session, call) {
      const applicantId = session.applicantProviderId
      if (!applicantId) {
        throw new UnsupportedError(
          'PERSONR',
          'GET_SESSION',
          'PERSONR reads a session by its applicant, who is not known.',
        )
      }
      return toSession(session, applicantId, await readStatus(applicantId, 'getSession', call), now())
    },

    async createApplicant(input, call) {
      const form = toForm(applicantInput.parse(input), call)
      const answer = await send({
        operation: 'createApplicant',
        kind: 'CREATE',
        path: '/api-applicant-create',
        form: { ...form },
        trail: call.trail,
        schema: createdAnswer,
      })
      return toCreatedApplicant(answer.response, form, now())
    },

    getApplicant,

    recovery: createRecovery(settings, { getApplicant }),
  }
}

/** Also under 2xx: a `status` that is not "success" and a `statusCode` of 400 and more are documented refusals. */
export function readRefusal(status: number, body: unknown): Refusal | undefined {
  const parsed = errorBody.safeParse(body).data
  if (!parsed) return status < 400 ? undefined : {}
  const statusCode = parsed.statusCode ?? 0
  const refused = status >= 400 || statusCode >= 400 || (parsed.status != null && parsed.status !== 'success')
  if (!refused) return undefined
  return {
    status: statusCode >= 400 ? statusCode : undefined,
    providerCode: parsed.body?.status ?? null,
    issues:
      parsed.message === INCORRECT_FLOW_NAME
        ? [{ path: ['flowName'], message: 'Expected the exact name of a flow that exists at Personr.' }]
        : [],
  }
}
