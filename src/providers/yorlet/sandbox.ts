import {
  type AdvanceStep,
  type Answer,
  type Route,
  readFields,
  type SandboxDefinition,
  SandboxInputError,
  type SandboxKit,
  type SandboxRequest,
} from '../../sandbox/sandbox.ts'
import { refuse } from './sandbox-error.ts'
import { listPage } from './sandbox-list.ts'
import { pages } from './sandbox-page.ts'
import { createReplay } from './sandbox-replay.ts'
import { customer, newEntry, type Objects, openObjects, type Session, type SessionStatus } from './sandbox-seed.ts'
import { packWebhook, toEvent } from './sandbox-webhook.ts'
import { ID_PATTERN } from './wire.ts'

const API_KEY = 'yorlet_sandbox_key'
/** With this key the calls on application sessions exist that no page documents. */
export const SESSION_READS_KEY = 'yorlet_sandbox_key_with_session_reads'

const STEPS: readonly SessionStatus[] = ['active', 'complete', 'canceled', 'expired']

export const sandbox: SandboxDefinition<{ apiKey: string }> = {
  credentials: { apiKey: API_KEY },
  basePath: '/v1',
  inventions: [
    'The looks of API keys, the ids that start with app_, apst_ and apps_, and the status words of applications and applicants.',
    `With the key ${SESSION_READS_KEY} application sessions can be read, listed and canceled; with any other these calls are 404.`,
    'Canceling a canceled session answers it again; canceling one that is complete or expired is a 400.',
    'A session goes from pending or active to active, complete, canceled or expired, and from the last three nowhere.',
    'Every create makes a new session, also beside an open one, and send_email sends nothing.',
    'An Idempotency-Key replays the first success of the same path and body for 24 hours; with another body it is a 409; a refusal leaves the key free.',
    'Lists are newest first, ten at a time, and take limit (1 to 100) and starting_after; an unknown starting_after is a 400.',
    'Every error has the type invalid_request; credentials are looked at before the path.',
    'Any context header that looks like an id is a valid account; objects of different accounts are not kept apart.',
    'A customer can be created with metadata; an e-mail address may be used twice; unknown fields of a body are ignored.',
    'The events are customer.created, application_session.created and, for every step, application_session.updated.',
  ],
  packWebhook,
  open(kit) {
    const objects = openObjects(kit)
    return {
      routes: routes(kit, objects),
      unmatched: request => (isKnown(request) ? unrecognized(request) : unauthorized()),
      advance: step => advance(kit, objects, step),
      pages: pages(objects),
    }
  },
}

type Handler = Route['answer']

function routes(kit: SandboxKit, objects: Objects): Route[] {
  const { applications, applicants, customers, sessions } = objects
  const once = createReplay(kit)
  const show = showing(kit)
  const ofSession = (handle: (session: Session) => Answer) =>
    undocumented(({ params }) => {
      const session = sessions.get(params.id ?? '')
      return session ? handle(session) : refuse(404, `No such application session: ${params.id}`)
    })

  const table: readonly [string, string, Handler][] = [
    ['POST', '/application_sessions', once(request => createSession(kit, objects, request))],
    ['GET', '/application_sessions', undocumented(request => listPage(request, sessions.all(), show))],
    ['GET', '/application_sessions/:id', ofSession(session => ok(show(session)))],
    ['POST', '/application_sessions/:id/cancel', ofSession(session => cancel(kit, objects, session))],
    ['GET', '/applications', request => listPage(request, applications.all())],
    [
      'GET',
      '/applications/:id/applicants',
      request => {
        const application = applications.get(request.params.id ?? '')
        if (!application) return refuse(404, `No such application: ${request.params.id}`)
        return listPage(
          request,
          applicants.all().filter(applicant => applicant.application === application.id),
        )
      },
    ],
    ['POST', '/customers', once(request => createCustomer(kit, objects, request))],
    ['GET', '/customers', request => listPage(request, customers.all())],
    [
      'GET',
      '/customers/:id',
      ({ params }) => {
        const found = customers.get(params.id ?? '')
        return found ? ok(found) : refuse(404, `No such customer: ${params.id}`)
      },
    ],
  ]
  return table.map(([method, path, answer]) => ({ method, path, answer: guarded(answer) }))
}

function ok(json: object): Answer {
  return { status: 200, json }
}

/** Looks at the credentials first, and names the account where the request came with a context. */
function guarded(handle: Handler): Handler {
  return async request => {
    if (!isKnown(request)) return unauthorized()
    const answer = await handle(request)
    const account = request.headers['yorlet-context'] ?? request.headers['yorlet-account'] ?? ''
    return answer.status === 200 && ID_PATTERN.test(account) ? withAccount(answer, account) : answer
  }
}

function isKnown({ headers }: SandboxRequest): boolean {
  return [API_KEY, SESSION_READS_KEY].some(key => headers.authorization === `Bearer ${key}`)
}

function unauthorized(): Answer {
  return refuse(401, 'Invalid API key provided.')
}

function unrecognized({ method, path }: SandboxRequest): Answer {
  return refuse(404, `Unrecognized request URL (${method}: ${path}).`)
}

function withAccount(answer: Answer, account: string): Answer {
  const body = answer.json as { data?: readonly object[] }
  const json = body.data ? { ...body, data: body.data.map(item => ({ ...item, account })) } : { ...body, account }
  return { ...answer, json }
}

function undocumented(handle: Handler): Handler {
  return request =>
    request.headers.authorization === `Bearer ${SESSION_READS_KEY}` ? handle(request) : unrecognized(request)
}

function showing({ origin }: SandboxKit) {
  return (session: Session) => ({ ...session, url: `${origin}/hosted/${session.id}` })
}

async function createSession(
  kit: SandboxKit,
  { applicants, applications, sessions }: Objects,
  request: SandboxRequest,
): Promise<Answer> {
  const { application_status: id, send_email: sendEmail } = (await readFields(request)) ?? {}
  if (typeof id !== 'string') return refuse(400, 'application_status is required.', 'application_status')
  if (!ID_PATTERN.test(id)) return refuse(400, 'application_status is not an id.', 'application_status')
  if (sendEmail !== undefined && typeof sendEmail !== 'boolean') {
    return refuse(400, 'send_email must be a boolean.', 'send_email')
  }
  const applicant = applicants.get(id)
  if (!applicant) return refuse(404, `No such applicant: ${id}`, 'application_status')
  const session: Session = {
    ...newEntry('apps', kit.clock.now()),
    object: 'application_session',
    application: applicant.application,
    application_status: id,
    customer: applicant.customer,
    mode: applications.get(applicant.application)?.application_mode ?? 'classic',
    status: 'pending',
  }
  const shown = showing(kit)(sessions.put(session.id, session))
  kit.emit(toEvent('application_session.created', shown, toCause(kit, request)))
  return ok(shown)
}

function toCause({ clock }: SandboxKit, { headers }: SandboxRequest) {
  return { now: clock.now(), key: headers['idempotency-key'] }
}

async function createCustomer(kit: SandboxKit, { customers }: Objects, request: SandboxRequest): Promise<Answer> {
  const fields = (await readFields(request)) ?? {}
  const { email, metadata } = fields
  if (typeof email !== 'string') return refuse(400, 'email is required.', 'email')
  if (!/^[^@\s]+@[^@\s]+$/.test(email)) return refuse(400, 'email is not an email address.', 'email')
  const optional = (name: string) => (typeof fields[name] === 'string' ? fields[name] : null)
  const made = customer(newEntry('cus', kit.clock.now()), {
    email,
    name: optional('name'),
    phone: optional('phone'),
    description: optional('description'),
    metadata: typeof metadata === 'object' && metadata !== null ? metadata : {},
  })
  kit.emit(toEvent('customer.created', made, toCause(kit, request)))
  return ok(customers.put(made.id, made))
}

function cancel(kit: SandboxKit, objects: Objects, session: Session): Answer {
  if (session.status !== 'canceled' && !isOpen(session)) return refuse(400, `The session is ${session.status}.`)
  const canceled = session.status === 'canceled' ? session : move(kit, objects, session, 'canceled', false)
  return ok(showing(kit)(canceled))
}

function isOpen({ status }: Session): boolean {
  return status === 'pending' || status === 'active'
}

function advance(kit: SandboxKit, objects: Objects, { id, to }: AdvanceStep): Session {
  const session = objects.sessions.get(id)
  const status = STEPS.find(step => step === to)
  if (!session || !status)
    throw new SandboxInputError(`Expected an application session and one of ${STEPS.join(', ')}.`)
  if (!isOpen(session)) throw new SandboxInputError(`The session is ${session.status} and goes nowhere from there.`)
  return move(kit, objects, session, status, true)
}

function move(
  kit: SandboxKit,
  { sessions }: Objects,
  session: Session,
  status: SessionStatus,
  fromDashboard: boolean,
): Session {
  const moved = sessions.put(session.id, { ...session, status })
  const cause = { now: kit.clock.now(), fromDashboard }
  kit.emit(toEvent('application_session.updated', showing(kit)(moved), cause, { status: session.status }))
  return moved
}
