import {
  type AdvanceStep,
  type Route,
  readFields,
  type SandboxContext,
  type SandboxDefinition,
  SandboxInputError,
  type SandboxRequest,
  type SandboxResponse,
} from '../../sandbox/sandbox.ts'
import { refuse } from './sandbox-errors.ts'
import { createReplay } from './sandbox-idempotency.ts'
import { listPage } from './sandbox-list.ts'
import { pages } from './sandbox-page.ts'
import {
  newCustomer,
  newEntry,
  type Objects,
  openObjects,
  type SandboxSession,
  type SandboxSessionStatus,
} from './sandbox-seed.ts'
import { signWebhook, toEvent } from './sandbox-webhook.ts'
import { ID_PATTERN } from './wire.ts'

const API_KEY = 'yorlet_sandbox_key'
/** With this key, the undocumented calls on application sessions exist. */
export const SESSION_READS_KEY = 'yorlet_sandbox_key_with_session_reads'

const STEPS: readonly SandboxSessionStatus[] = ['active', 'complete', 'canceled', 'expired']

export const sandbox: SandboxDefinition<{ apiKey: string }> = {
  credentials: { apiKey: API_KEY },
  basePath: '/v1',
  undocumentedBehaviour: [
    'The form of API keys, the ids that start with app_, apst_ and apps_, and the statuses of applications and applicants.',
    `With the key ${SESSION_READS_KEY} application sessions can be read, listed and canceled; with any other these calls are 404.`,
    'Canceling a canceled session returns it again; canceling a complete or expired one returns 400.',
    'A session goes from pending or active to active, complete, canceled or expired, and the last three are final.',
    'Every create makes a new session, even if there is an open one, and send_email sends nothing.',
    'An Idempotency-Key replays the first success of the same path and body for 24 hours; with another body it returns 409; a rejection does not use up the key.',
    'Lists are newest first, ten at a time, and accept limit (1 to 100) and starting_after; an unknown starting_after returns 400.',
    'Every error has the type invalid_request; credentials are checked before the path.',
    'Any context header that looks like an id is a valid account; accounts do not separate objects.',
    'A customer can be created with metadata; an e-mail address may be used twice; unknown fields of a body are ignored.',
    'The events are customer.created, application_session.created and, for every step, application_session.updated.',
  ],
  signWebhook,
  open(context) {
    const objects = openObjects(context)
    return {
      routes: routes(context, objects),
      unmatched: request => (isKnown(request) ? unrecognized(request) : unauthorized()),
      advance: step => advance(context, objects, step),
      pages: pages(objects),
    }
  },
}

type Handler = Route['answer']

function routes(context: SandboxContext, objects: Objects): Route[] {
  const { applications, applicants, customers, sessions } = objects
  const once = createReplay(context)
  const show = showing(context)
  const ofSession = (handle: (session: SandboxSession) => SandboxResponse) =>
    undocumented(({ params }) => {
      const session = sessions.get(params.id ?? '')
      return session ? handle(session) : refuse(404, `No such application session: ${params.id}`)
    })

  const table: readonly [string, string, Handler][] = [
    ['POST', '/application_sessions', once(request => createSession(context, objects, request))],
    ['GET', '/application_sessions', undocumented(request => listPage(request, sessions.all(), show))],
    ['GET', '/application_sessions/:id', ofSession(session => ok(show(session)))],
    ['POST', '/application_sessions/:id/cancel', ofSession(session => cancel(context, objects, session))],
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
    ['POST', '/customers', once(request => createCustomer(context, objects, request))],
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

function ok(json: object): SandboxResponse {
  return { status: 200, json }
}

/** Checks the credentials first; the response names the account if the request has a context. */
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

function unauthorized(): SandboxResponse {
  return refuse(401, 'Invalid API key provided.')
}

function unrecognized({ method, path }: SandboxRequest): SandboxResponse {
  return refuse(404, `Unrecognized request URL (${method}: ${path}).`)
}

function withAccount(answer: SandboxResponse, account: string): SandboxResponse {
  const body = answer.json as { data?: readonly object[] }
  const json = body.data ? { ...body, data: body.data.map(item => ({ ...item, account })) } : { ...body, account }
  return { ...answer, json }
}

function undocumented(handle: Handler): Handler {
  return request =>
    request.headers.authorization === `Bearer ${SESSION_READS_KEY}` ? handle(request) : unrecognized(request)
}

function showing({ origin }: SandboxContext) {
  return (session: SandboxSession) => ({ ...session, url: `${origin}/hosted/${session.id}` })
}

async function createSession(
  context: SandboxContext,
  { applicants, applications, sessions }: Objects,
  request: SandboxRequest,
): Promise<SandboxResponse> {
  const { application_status: id, send_email: sendEmail } = (await readFields(request)) ?? {}
  if (typeof id !== 'string') return refuse(400, 'application_status is required.', 'application_status')
  if (!ID_PATTERN.test(id)) return refuse(400, 'application_status is not an id.', 'application_status')
  if (sendEmail !== undefined && typeof sendEmail !== 'boolean') {
    return refuse(400, 'send_email must be a boolean.', 'send_email')
  }
  const applicant = applicants.get(id)
  if (!applicant) return refuse(404, `No such applicant: ${id}`, 'application_status')
  const session: SandboxSession = {
    ...newEntry('apps', context.clock.now()),
    object: 'application_session',
    application: applicant.application,
    application_status: id,
    customer: applicant.customer,
    mode: applications.get(applicant.application)?.application_mode ?? 'classic',
    status: 'pending',
  }
  const shown = showing(context)(sessions.put(session.id, session))
  context.emit(toEvent('application_session.created', shown, toCause(context, request)))
  return ok(shown)
}

function toCause({ clock }: SandboxContext, { headers }: SandboxRequest) {
  return { now: clock.now(), key: headers['idempotency-key'] }
}

async function createCustomer(
  context: SandboxContext,
  { customers }: Objects,
  request: SandboxRequest,
): Promise<SandboxResponse> {
  const fields = (await readFields(request)) ?? {}
  const { email, metadata } = fields
  if (typeof email !== 'string') return refuse(400, 'email is required.', 'email')
  if (!/^[^@\s]+@[^@\s]+$/.test(email)) return refuse(400, 'email is not an email address.', 'email')
  const optional = (name: string) => (typeof fields[name] === 'string' ? fields[name] : null)
  const created = newCustomer(newEntry('cus', context.clock.now()), {
    email,
    name: optional('name'),
    phone: optional('phone'),
    description: optional('description'),
    metadata: typeof metadata === 'object' && metadata !== null ? metadata : {},
  })
  context.emit(toEvent('customer.created', created, toCause(context, request)))
  return ok(customers.put(created.id, created))
}

function cancel(context: SandboxContext, objects: Objects, session: SandboxSession): SandboxResponse {
  if (session.status !== 'canceled' && !isOpen(session)) return refuse(400, `The session is ${session.status}.`)
  const canceled = session.status === 'canceled' ? session : move(context, objects, session, 'canceled', false)
  return ok(showing(context)(canceled))
}

function isOpen({ status }: SandboxSession): boolean {
  return status === 'pending' || status === 'active'
}

function advance(context: SandboxContext, objects: Objects, { id, to }: AdvanceStep): SandboxSession {
  const session = objects.sessions.get(id)
  const status = STEPS.find(step => step === to)
  if (!session || !status)
    throw new SandboxInputError(`Expected an application session and one of ${STEPS.join(', ')}.`)
  if (!isOpen(session)) throw new SandboxInputError(`The session is ${session.status}: it cannot change any more.`)
  return move(context, objects, session, status, true)
}

function move(
  context: SandboxContext,
  { sessions }: Objects,
  session: SandboxSession,
  status: SandboxSessionStatus,
  fromDashboard: boolean,
): SandboxSession {
  const moved = sessions.put(session.id, { ...session, status })
  const cause = { now: context.clock.now(), fromDashboard }
  context.emit(toEvent('application_session.updated', showing(context)(moved), cause, { status: session.status }))
  return moved
}
