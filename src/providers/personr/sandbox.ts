import { random } from '../../sandbox/random.ts'
import {
  readFields,
  type SandboxContext,
  type SandboxDefinition,
  SandboxInputError,
  type SandboxRequest,
  type SandboxResponse,
  type SandboxRoutes,
} from '../../sandbox/sandbox.ts'
import {
  FLOWS,
  newId,
  type SandboxApplicant,
  SEEDED,
  step,
  toCreated,
  toDetails,
  toStatus,
} from './sandbox-applicant.ts'
import { pages } from './sandbox-page.ts'
import { signWebhook, toEvent } from './sandbox-webhook.ts'
import { INCORRECT_FLOW_NAME } from './wire.ts'

const FIXED_TOKEN = 'bus|4242424242424x424242424242424242|4343434343434x434343434343434343'
const USER_ID = '4242424242424x424242424242424242'
const TOKEN_SECONDS = 31_536_000
const CUSTOM_ORIGIN = 'https://verify.example.com'
const WORKSPACES = ['Main', 'Second']
const credentials = { email: 'sandbox@personr.test', password: 'personr-sandbox' }

export const sandbox: SandboxDefinition<{ email: string; password: string }> = {
  credentials,
  basePath: '/api/1.1/wf',
  undocumentedBehaviour: [
    `The token of the documents' example (${FIXED_TOKEN}) is always valid, so that a login does not invalidate it.`,
    `The flows are ${FLOWS.join(' and ')}, the workspaces ${WORKSPACES.join(' and ')}; workspaces do not separate applicants.`,
    "The bodies of 401, of 404, of a wrong login and of a missing field follow Bubble's workflow API.",
    'An unknown applicant is rejected with 400 and a message, since the response is undocumented.',
    'Two creates with the same e-mail create two applicants.',
    'A result is null before the first review, and a name missing in a create is null.',
    'A link points to a page of this sandbox and has its own id; creating one does not change the applicant.',
    `A link's customLink is on ${CUSTOM_ORIGIN}, which has no server; the details contain the latest one.`,
    "The kind of a rejection is in the status as reviewRejectType, as in Microsoft's connector, and not in webhooks.",
    'The fifth rejection that allows another try becomes Rejected (Final).',
    'A requested check sets an applicant to Pending; an uploaded document is listed by its type and not inspected.',
    "The webhook configuration's answer names its parts webhookUrl, token and headerToken, and changes nothing: /_sandbox/webhooks sets the target.",
    'A webhook is sent for every change of an applicant, not only for a review, and retried.',
  ],
  signWebhook,
  open,
}

function open({ clock, origin, isNew, collection, emit }: SandboxContext): SandboxRoutes {
  const applicants = collection<SandboxApplicant>('applicants')
  const links = collection<{ id: string; applicant: string }>('links')
  const tokens = collection<{ token: string; expiresAt: number }>('tokens')
  const webhooks = collection<{ webhookUrl: string; token: string | null; headerToken: boolean }>('webhooks')
  if (isNew) applicants.put(SEEDED.id, SEEDED)

  const applicantOf = (id: string) => applicants.get(links.get(id)?.applicant ?? id)

  function move(applicant: SandboxApplicant): SandboxApplicant {
    emit(toEvent(applicant))
    return applicants.put(applicant.id, applicant)
  }

  /** A user has one token: a new one replaces the old. */
  function logIn(email: string | undefined, password: string | undefined): SandboxResponse {
    if (email !== credentials.email || password !== credentials.password) {
      return refusal(400, 'INVALID_LOGIN_CREDENTIALS', 'We could not log you in with these credentials.')
    }
    const token = `bus|${USER_ID}|${newId(clock.now())}`
    tokens.put(USER_ID, { token, expiresAt: clock.now().getTime() + TOKEN_SECONDS * 1000 })
    return success({ token, user_id: USER_ID, expires: TOKEN_SECONDS })
  }

  function unauthorised({ headers }: SandboxRequest): SandboxResponse | undefined {
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1]
    if (!token) return refusal(401, 'NOT_LOGGED_IN', 'This workflow needs a logged in user.')
    const current = tokens.get(USER_ID)
    const isCurrent = token === current?.token && clock.now().getTime() < current.expiresAt
    return isCurrent || token === FIXED_TOKEN ? undefined : refusal(401, 'INVALID_TOKEN', 'The token is not valid.')
  }

  function createApplicant(fields: Fields): SandboxResponse {
    const { email = '', phone = '', flowName = '' } = texts(fields)
    if (!FLOWS.includes(flowName)) return failure(INCORRECT_FLOW_NAME)
    const { nameFirst = null, nameLast = null, sourceKey = null } = texts(fields)
    const own = { email, phone, nameFirst, nameLast, flowName, sourceKey }
    const start = { externalUserId: toList(fields.externalUserId), status: 'Created', documents: [] } as const
    const id = newId(clock.now())
    return success(toCreated(applicants.put(id, { id, ...own, ...start, retries: 0, result: null })))
  }

  function createLink(applicant: SandboxApplicant): SandboxResponse {
    const link = { id: newId(clock.now()), applicant: applicant.id }
    links.put(link.id, link)
    const customLink = `${CUSTOM_ORIGIN}/verification/${link.id}`
    applicants.put(applicant.id, { ...applicant, customLink })
    return success({ verificationLink: `${origin}/hosted/${link.id}`, customLink })
  }

  function uploadDocument(applicant: SandboxApplicant, fields: Fields): SandboxResponse {
    const { docType = '', docSubType = null, docCountryISO: country = null } = texts(fields)
    applicants.put(applicant.id, { ...applicant, documents: [...applicant.documents, docType] })
    const document = { documentType: docType, documentSubType: docSubType, country }
    return { status: 200, json: { applicantId: applicant.id, ...document, errors: [], warnings: [] } }
  }

  function requestCheck(applicant: SandboxApplicant): SandboxResponse {
    move({ ...applicant, status: 'Pending' })
    return { status: 200, json: { response: 'success' } }
  }

  function changeWorkspace(fields: Fields): SandboxResponse {
    const { workspace = '' } = texts(fields)
    // The exception: a failure with status 200.
    if (!WORKSPACES.includes(workspace))
      return { status: 200, json: { status: 'error', response: 'Workspace not found' } }
    return { status: 200, json: { currentWorkspace: workspace } }
  }

  function configureWebhook(fields: Fields): SandboxResponse {
    const token = isTrue(fields.generateToken) ? random.mixed(32) : (webhooks.get(USER_ID)?.token ?? null)
    const { webhookUrl = '' } = texts(fields)
    return success(webhooks.put(USER_ID, { webhookUrl, token, headerToken: isTrue(fields.headerToken) }))
  }

  const post = (path: string, answer: (request: SandboxRequest) => SandboxResponse | Promise<SandboxResponse>) =>
    ({ method: 'POST', path, answer }) as const

  /** A workflow of a logged-in user; requires the given fields. */
  const workflow = (path: string, needs: readonly string[], run: (fields: Fields) => SandboxResponse) =>
    post(path, async request => unauthorised(request) ?? runWith((await readFields(request)) ?? {}, needs, run))

  /** A workflow about one applicant, named by either field. */
  const forApplicant = (
    path: string,
    needs: readonly string[],
    run: (applicant: SandboxApplicant, fields: Fields) => SandboxResponse,
  ) =>
    workflow(path, needs, fields => {
      const { applicantId, applicant: alias } = texts(fields)
      const id = applicantId ?? alias
      if (!id) return missing('applicantId')
      const applicant = applicants.get(id)
      return applicant ? run(applicant, fields) : failure('Error: Cannot find applicant')
    })

  return {
    routes: [
      post('/api-token-generate', async request => {
        const { email, password } = texts((await readFields(request)) ?? {})
        return logIn(email, password)
      }),
      post('/api-basic-auth', ({ headers }) => logIn(...readBasic(headers.authorization))),
      workflow('/api-applicant-create', ['email', 'phone', 'flowName'], createApplicant),
      forApplicant('/api-applicant-status', [], applicant => success(toStatus(applicant))),
      forApplicant('/api-applicant-details', [], applicant => success(toDetails(applicant))),
      forApplicant('/api-verificationlink-create', [], createLink),
      forApplicant('/api-document-upload', ['docType', 'docFile'], uploadDocument),
      forApplicant('/api-request-applicant-check', [], requestCheck),
      workflow('/api-change-workspace', ['workspace'], changeWorkspace),
      workflow('/api-webhook-configuration', ['webhookUrl'], configureWebhook),
    ],
    unmatched: ({ path }) => refusal(404, 'NOT_FOUND', `Workflow not found ${path.split('/').at(-1)}`),
    advance: input => {
      const applicant = applicantOf(input.id)
      if (!applicant) throw new SandboxInputError('Expected the id of an applicant or of a link.')
      return toStatus(move(step(applicant, input, clock.now())))
    },
    pages: pages(id => (links.get(id) ? applicantOf(id) : undefined)),
  }
}

type Fields = Readonly<Record<string, unknown>>

function runWith(fields: Fields, needs: readonly string[], run: (fields: Fields) => SandboxResponse): SandboxResponse {
  const absent = needs.find(name => fields[name] == null || fields[name] === '')
  return absent ? missing(absent) : run(fields)
}

function success(response: unknown): SandboxResponse {
  return { status: 200, json: { status: 'success', response } }
}

function failure(message: string): SandboxResponse {
  return { status: 400, json: { statusCode: 400, message } }
}

function refusal(statusCode: number, status: string, message: string): SandboxResponse {
  return { status: statusCode, json: { statusCode, body: { status, message } } }
}

function missing(name: string): SandboxResponse {
  return refusal(400, 'MISSING_DATA', `Missing parameter ${name}`)
}

/** The fields that are non-empty text. */
function texts(fields: Fields): Partial<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(fields).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
    ),
  )
}

function isTrue(value: unknown): boolean {
  return value === true || value === 'true' || value === 'yes'
}

/** A list, or a JSON list as text; any other text is its own item. */
function toList(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(String)
  if (typeof value !== 'string' || value === '') return []
  try {
    const list: unknown = JSON.parse(value)
    return Array.isArray(list) ? list.map(String) : [value]
  } catch {
    return [value]
  }
}

function readBasic(header = ''): [string | undefined, string | undefined] {
  const decoded = Buffer.from(/^Basic (.+)$/.exec(header)?.[1] ?? '', 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  return colon < 0 ? [undefined, undefined] : [decoded.slice(0, colon), decoded.slice(colon + 1)]
}
