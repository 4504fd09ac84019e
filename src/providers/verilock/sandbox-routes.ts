import { random } from '../../sandbox/random.ts'
import { type Answer, type Route, readFields, type SandboxRequest } from '../../sandbox/sandbox.ts'
import { conflict, invalid, NOT_FOUND } from './sandbox-answer.ts'
import { listProblems, toList } from './sandbox-list.ts'
import { toRisk } from './sandbox-risk.ts'
import { moved, newSession, type Profile, type StoredSession, toTime } from './sandbox-session.ts'
import { UPLOAD_STEPS, type UploadStep, uploadProblems } from './sandbox-upload.ts'
import { toCreated, toFull } from './sandbox-view.ts'
import { createSessionBody } from './wire.ts'

/** What the routes work on. Sessions are told as they are at this moment. */
export interface Desk {
  readonly origin: string
  now(): Date
  profile(id: string): Profile | undefined
  sessions(): StoredSession[]
  session(id: string): StoredSession | undefined
  keep(session: StoredSession): StoredSession
}

export function routes(desk: Desk): Route[] {
  const about = (answer: SessionAnswer): Route['answer'] => {
    return request => {
      const session = desk.session(request.params.id ?? '')
      return session ? answer(desk, session, request) : NOT_FOUND
    }
  }
  return [
    { method: 'POST', path: '/sessions', answer: request => create(desk, request) },
    { method: 'GET', path: '/sessions', answer: request => list(desk, request) },
    { method: 'GET', path: '/sessions/:id', answer: about(show) },
    { method: 'GET', path: '/sessions/:id/risk', answer: about(risk) },
    { method: 'POST', path: '/sessions/:id/submit', answer: about(submit) },
    { method: 'POST', path: '/sessions/:id/documents', answer: about(upload('document')) },
    { method: 'POST', path: '/sessions/:id/selfie', answer: about(upload('selfie')) },
  ]
}

type SessionAnswer = (desk: Desk, session: StoredSession, request: SandboxRequest) => Answer | Promise<Answer>

async function create(desk: Desk, request: SandboxRequest): Promise<Answer> {
  const body = createSessionBody.safeParse((await readFields(request)) ?? {})
  if (!body.success) return invalid(byField(body.error.issues))
  const profile = desk.profile(body.data.profile_id)
  if (!profile) return invalid({ profile_id: ['The selected profile id is invalid.'] })
  const session = desk.keep(newSession(body.data, profile, desk.now()))
  return { status: 201, json: toCreated(session, desk.origin) }
}

function list(desk: Desk, { query }: SandboxRequest): Answer {
  const problems = listProblems(query)
  return hasAny(problems) ? invalid(problems) : ok(toList(desk.sessions(), query))
}

function show({ origin }: Desk, session: StoredSession): Answer {
  return ok(toFull(session, origin))
}

function risk(_desk: Desk, session: StoredSession): Answer {
  return session.completed_at ? ok(toRisk(session, session.completed_at)) : NOT_FOUND
}

function submit(desk: Desk, session: StoredSession): Answer {
  if (session.status !== 'created') return NOT_OPEN
  const missing = UPLOAD_STEPS.filter(step => session.steps.includes(step) && !session.uploaded.includes(step))
  if (missing.length > 0) return invalid({ steps: missing.map(step => `The ${step} step is required.`) })
  const { id, status } = desk.keep(moved(session, 'processing', desk.now()))
  return ok({ id, status, message: 'Session submitted for processing.' })
}

function upload(step: UploadStep): SessionAnswer {
  return async (desk, session, request) => {
    if (session.status !== 'created') return NOT_OPEN
    const form = (await readFields(request)) ?? {}
    const problems = uploadProblems(step, form)
    if (hasAny(problems)) return invalid(problems)
    desk.keep({ ...session, uploaded: [...new Set([...session.uploaded, step])] })
    const { side, document_type } = form
    const made = { session_id: session.id, side, document_type, status: 'uploaded', created_at: toTime(desk.now()) }
    return { status: 201, json: { id: `doc_${random.uuid()}`, ...made } }
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

function ok(json: unknown): Answer {
  return { status: 200, json }
}
