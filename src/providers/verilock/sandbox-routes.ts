import { random } from '../../sandbox/random.ts'
import { type Route, readFields, type SandboxRequest, type SandboxResponse } from '../../sandbox/sandbox.ts'
import { conflict, invalid, NOT_FOUND } from './sandbox-errors.ts'
import { listProblems, toList } from './sandbox-list.ts'
import { toRisk } from './sandbox-risk.ts'
import { advance, newSession, type Profile, type SandboxSession, toIsoTime } from './sandbox-session.ts'
import { toCreated, toFull } from './sandbox-view.ts'
import { createSessionBody } from './wire.ts'

/** The steps that need a file of the end user. */
export const UPLOAD_STEPS = ['document', 'selfie'] as const
export type UploadStep = (typeof UPLOAD_STEPS)[number]

const SIDES: readonly unknown[] = ['front', 'back']
const DOCUMENT_TYPES: readonly unknown[] = ['passport', 'id_card', 'driving_license', 'residence_permit']

/** The problems of an upload's form, by field. */
export function uploadProblems(step: UploadStep, form: Readonly<Record<string, unknown>>): Record<string, string[]> {
  return {
    ...(!form.file && { file: ['The file field is required.'] }),
    ...(step === 'document' && !SIDES.includes(form.side) && { side: ['The selected side is invalid.'] }),
    ...(step === 'document' &&
      !DOCUMENT_TYPES.includes(form.document_type) && { document_type: ['The selected document type is invalid.'] }),
  }
}

/** The context of the routes. Sessions are shown in their current state. */
export interface RouteContext {
  readonly origin: string
  now(): Date
  profile(id: string): Profile | undefined
  sessions(): SandboxSession[]
  session(id: string): SandboxSession | undefined
  save(session: SandboxSession): SandboxSession
}

export function routes(context: RouteContext): Route[] {
  const forSession = (answer: SessionResponse): Route['answer'] => {
    return request => {
      const session = context.session(request.params.id ?? '')
      return session ? answer(context, session, request) : NOT_FOUND
    }
  }
  return [
    { method: 'POST', path: '/sessions', answer: request => create(context, request) },
    { method: 'GET', path: '/sessions', answer: request => list(context, request) },
    { method: 'GET', path: '/sessions/:id', answer: forSession(show) },
    { method: 'GET', path: '/sessions/:id/risk', answer: forSession(risk) },
    { method: 'POST', path: '/sessions/:id/submit', answer: forSession(submit) },
    { method: 'POST', path: '/sessions/:id/documents', answer: forSession(upload('document')) },
    { method: 'POST', path: '/sessions/:id/selfie', answer: forSession(upload('selfie')) },
  ]
}

type SessionResponse = (
  context: RouteContext,
  session: SandboxSession,
  request: SandboxRequest,
) => SandboxResponse | Promise<SandboxResponse>

async function create(context: RouteContext, request: SandboxRequest): Promise<SandboxResponse> {
  const body = createSessionBody.safeParse((await readFields(request)) ?? {})
  if (!body.success) return invalid(byField(body.error.issues))
  const profile = context.profile(body.data.profile_id)
  if (!profile) return invalid({ profile_id: ['The selected profile id is invalid.'] })
  const session = context.save(newSession(body.data, profile, context.now()))
  return { status: 201, json: toCreated(session, context.origin) }
}

function list(context: RouteContext, { query }: SandboxRequest): SandboxResponse {
  const problems = listProblems(query)
  return hasAny(problems) ? invalid(problems) : ok(toList(context.sessions(), query))
}

function show({ origin }: RouteContext, session: SandboxSession): SandboxResponse {
  return ok(toFull(session, origin))
}

function risk(_context: RouteContext, session: SandboxSession): SandboxResponse {
  return session.completed_at ? ok(toRisk(session, session.completed_at)) : NOT_FOUND
}

function submit(context: RouteContext, session: SandboxSession): SandboxResponse {
  if (session.status !== 'created') return NOT_OPEN
  const missing = UPLOAD_STEPS.filter(step => session.steps.includes(step) && !session.uploaded.includes(step))
  if (missing.length > 0) return invalid({ steps: missing.map(step => `The ${step} step is required.`) })
  const { id, status } = context.save(advance(session, 'processing', context.now()))
  return ok({ id, status, message: 'Session submitted for processing.' })
}

function upload(step: UploadStep): SessionResponse {
  return async (context, session, request) => {
    if (session.status !== 'created') return NOT_OPEN
    const form = (await readFields(request)) ?? {}
    const problems = uploadProblems(step, form)
    if (hasAny(problems)) return invalid(problems)
    context.save({ ...session, uploaded: [...new Set([...session.uploaded, step])] })
    const { side, document_type } = form
    const created = {
      session_id: session.id,
      side,
      document_type,
      status: 'uploaded',
      created_at: toIsoTime(context.now()),
    }
    return { status: 201, json: { id: `doc_${random.uuid()}`, ...created } }
  }
}

const NOT_OPEN = conflict('The session was submitted or has ended.')

function byField(issues: readonly { path: readonly PropertyKey[]; message: string }[]): Record<string, string[]> {
  const fields: Record<string, string[]> = {}
  for (const { path, message } of issues) {
    const field = path.map(String).join('.')
    fields[field] = [...(fields[field] ?? []), message]
  }
  return fields
}

function hasAny(problems: object): boolean {
  return Object.keys(problems).length > 0
}

function ok(json: unknown): SandboxResponse {
  return { status: 200, json }
}
