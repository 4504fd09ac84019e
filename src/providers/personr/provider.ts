import { z } from 'zod'
import { ProviderNotFoundError, UnsupportedError } from '../../domain/errors.ts'
import type { ProviderRejection } from '../../upstream/response-errors.ts'
import type { ClientDeps, ProviderClient, ReadCall } from '../contract.ts'
import { applicantInput, verificationInput } from './input.ts'
import { createAuthenticatedRequest } from './login.ts'
import { toApplicant, toApplicantId, toCreatedApplicant, toCreatedSession, toForm, toSession } from './mapper.ts'
import { createRecovery } from './recovery.ts'
import {
  type Applicant,
  createdResponse,
  detailsResponse,
  errorBody,
  INCORRECT_FLOW_NAME,
  linkResponse,
  type Status,
  statusResponse,
  UNKNOWN_APPLICANT,
} from './wire.ts'

export const settings = z.object({
  baseUrl: z.url({ protocol: /^https?$/ }).default('https://enterprise.personr.co/api/1.1/wf'),
  /** A token that is renewed externally. Without one, the client logs in with e-mail and password. */
  apiKey: z.string().min(1).optional(),
  email: z.string().min(1).optional(),
  password: z.string().min(1).optional(),
  /** Sends a link create again if its outcome is unknown; a second link is assumed to be harmless. */
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

/** Only a third party documents this call, so an account may not have it. */
const DETAILS = 'APPLICANT_DETAILS'

export function connect({ settings, upstream, now, secrets, abilities }: ClientDeps<Settings>): ProviderClient {
  const send = createAuthenticatedRequest(settings, upstream, secrets)

  async function readStatus(applicantId: string, operation: string, { signal, callLog }: ReadCall): Promise<Status> {
    const answer = await send({
      operation,
      kind: 'READ',
      path: '/api-applicant-status',
      form: { applicantId },
      signal,
      callLog,
      schema: statusResponse,
    })
    const { result } = answer.response
    if (result?.applicant && result.applicant !== applicantId) {
      throw upstream.refuse(operation, 'PERSONR returned the result of another applicant.')
    }
    return answer.response
  }

  /** Only a third party documents this call, so its failure costs only its own data. */
  async function readDetails(applicantId: string, operation: string, { signal, callLog }: ReadCall) {
    if (abilities && !abilities.has(DETAILS)) return undefined
    try {
      const answer = await send({
        operation,
        kind: 'READ',
        path: '/api-applicant-details',
        form: { applicantId },
        signal,
        callLog,
        schema: detailsResponse,
      })
      return answer.response
    } catch (error) {
      if (signal?.aborted) throw error
      if (abilities && isNoWorkflow(error)) {
        upstream.countMissing(operation, 'details')
        await abilities.lacks(DETAILS)
      }
      return undefined
    }
  }

  async function readApplicant(providerId: string, call: ReadCall): Promise<Applicant> {
    const [status, details] = await Promise.all([
      readStatus(providerId, 'getApplicant', call),
      readDetails(providerId, 'getApplicant', call),
    ])
    return { ...details, ...status }
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
        // The table in the documentation has one name, the examples the other.
        form: { applicant: applicantId, applicantId },
        callLog: call.callLog,
        schema: linkResponse,
      })
      return toCreatedSession(link, applicantId)
    },

    async getSession(session, call) {
      const applicantId = session.applicantProviderId
      if (!applicantId) {
        throw new UnsupportedError(
          'PERSONR',
          'GET_SESSION',
          'PERSONR reads a session through its applicant, which is unknown.',
        )
      }
      const [status, details] = await Promise.all([
        readStatus(applicantId, 'getSession', call),
        // The flow of an applicant that was never read is unknown.
        session.applicantIsRead === false ? readDetails(applicantId, 'getSession', call) : undefined,
      ])
      return toSession(session, applicantId, { ...details, ...status }, now())
    },

    async createApplicant(input, call) {
      const form = toForm(applicantInput.parse(input), call)
      const answer = await send({
        operation: 'createApplicant',
        kind: 'CREATE',
        path: '/api-applicant-create',
        form: { ...form },
        callLog: call.callLog,
        schema: createdResponse,
      })
      return toCreatedApplicant(answer.response, form, now())
    },

    getApplicant: async ({ providerId, details: known }, call) =>
      toApplicant(providerId, await readApplicant(providerId, call), now(), known),

    recovery: createRecovery(settings, { readApplicant, now }),
  }
}

function isNoWorkflow(error: unknown): boolean {
  return error instanceof ProviderNotFoundError && error.providerCode === 'NOT_FOUND'
}

/** Also for 2xx: a `status` other than "success" and a `statusCode` from 400 on are documented rejections. */
export function readRejection(status: number, body: unknown): ProviderRejection | undefined {
  const parsed = errorBody.safeParse(body).data
  if (!parsed) return status < 400 ? undefined : {}
  const statusCode = parsed.statusCode ?? 0
  const refused = status >= 400 || statusCode >= 400 || (parsed.status != null && parsed.status !== 'success')
  if (!refused) return undefined
  return {
    status: statusCode >= 400 ? statusCode : undefined,
    providerCode: parsed.body?.status ?? null,
    isUnreadableId: parsed.message === UNKNOWN_APPLICANT,
    issues:
      parsed.message === INCORRECT_FLOW_NAME
        ? [{ path: ['flowName'], message: 'Expected the exact name of a flow that exists at Personr.' }]
        : [],
  }
}
