import { random } from '../../sandbox/random.ts'
import {
  type Answer,
  readFields,
  type SandboxDefinition,
  SandboxInputError,
  type SandboxKit,
  type SandboxParts,
  type SandboxRequest,
} from '../../sandbox/sandbox.ts'
import { type Applicant, FLOWS, newId, SEEDED, step, toCreated, toDetails, toStatus } from './sandbox-applicant.ts'
import { pages } from './sandbox-page.ts'
import { packWebhook, toEvent } from './sandbox-webhook.ts'
import { INCORRECT_FLOW_NAME } from './wire.ts'

const FIXED_TOKEN = 'bus|4242424242424x424242424242424242|4343434343434x434343434343434343'
const USER_ID = '4242424242424x424242424242424242'
const TOKEN_SECONDS = 31_536_000
const WORKSPACES = ['Main', 'Second']
const credentials = { email: 'sandbox@personr.test', password: 'personr-sandbox' }

export const sandbox: SandboxDefinition<{ email: string; password: string }> = {
  credentials,
  basePath: '/api/1.1/wf',
  inventions: [
    `The token of the documents' example (${FIXED_TOKEN}) is always good, so that a login kills no curl session.`,
    `The flows are ${FLOWS.join(' and ')}, the workspaces ${WORKSPACES.join(' and ')}; a workspace keeps nobody apart.`,
    "The bodies of 401, of 404, of a wrong login and of a missing field follow Bubble's workflow API.",
    'An unknown applicant is refused with 400 and a message, because no document says how.',
    'Two creates with the same e-mail make two applicants.',
    'A result is null before the first review, and a name left out of a create is null.',
    'A link points to a page of this sandbox, has an id of its own, and making one leaves the applicant as it is.',
    'The fifth rejection that allows another try is answered as Rejected (Final).',
    'A requested check puts an applicant to Pending; an uploaded document is listed by its type and not looked at.',
    "The webhook configuration's answer names its parts webhookUrl, token and headerToken, and changes nothing: /_sandbox/webhooks says where webhooks go.",
    'A webhook is sent at every change of an applicant, not only at a review, and tried again as elsewhere.',
  ],
  packWebhook,
  open,
}

function open({ clock, origin, isNew, collection, emit }: SandboxKit): SandboxParts {
  const applicants = collection<Applicant>('applicants')
  const links = collection<{ id: string; applicant: string }>('links')
  const tokens = collection<{ token: string; expiresAt: number }>('tokens')
  const webhooks = collection<{ webhookUrl: string; token: string | null; headerToken: boolean }>('webhooks')
  if (isNew) applicants.put(SEEDED.id, SEEDED)

  const applicantOf = (id: string) => applicants.get(links.get(id)?.applicant ?? id)

  function move(applicant: Applicant): Applicant {
    emit(toEvent(applicant))
    return applicants.put(applicant.id, applicant)
  }

  /** One user has one token: the new one takes the place of the old. */
  function logIn(email: string | undefined, password: string | undefined): Answer {
    if (email !== credentials.email || password !== credentials.password) {
      return refusal(400, 'INVALID_LOGIN_CREDENTIALS', 'We could not log you in with these credentials.')
    }
    const token = `bus|${USER_ID}|${newId(clock.now())}`
    tokens.put(USER_ID, { token, expiresAt: clock.now().getTime() + TOKEN_SECONDS * 1000 })
    return success({ token, user_id: USER_ID, expires: TOKEN_SECONDS })
  }

  function unauthorised({ headers }: SandboxRequest): Answer | undefined {
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1]
    if (!token) return refusal(401, 'NOT_LOGGED_IN', 'This workflow needs a logged in user.')
    const current = tokens.get(USER_ID)
    const isCurrent = token === current?.token && clock.now().getTime() < current.expiresAt
    return isCurrent || token === FIXED_TOKEN ? undefined : refusal(401, 'INVALID_TOKEN', 'The token is not valid.')
  }

  function createApplicant(fields: Fields): Answer {
    const { email = '', phone = '', flowName = '' } = texts(fields)
    if (!FLOWS.includes(flowName)) return failure(INCORRECT_FLOW_NAME)
    const { nameFirst = null, nameLast = null, sourceKey = null } = texts(fields)
    const own = { email, phone, nameFirst, nameLast, flowName, sourceKey }
    const start = { externalUserId: toList(fields.externalUserId), status: 'Created', documents: [] } as const
    const id = newId(clock.now())
    return success(toCreated(applicants.put(id, { id, ...own, ...start, retries: 0, result: null })))
  }

  function createLink(applicant: Applicant): Answer {
    const link = { id: newId(clock.now()), applicant: applicant.id }
    links.put(link.id, link)
    return success({ verificationLink: `${origin}/hosted/${link.id}`, customLink: null })
  }

  function uploadDocument(applicant: Applicant, fields: Fields): Answer {
    const { docType = '', docSubType = null, docCountryISO: country = null } = texts(fields)
    applicants.put(applicant.id, { ...applicant, documents: [...applicant.documents, docType] })
    const document = { documentType: docType, documentSubType: docSubType, country }
    return { status: 200, json: { applicantId: applicant.id, ...document, errors: [], warnings: [] } }
  }

  function requestCheck(applicant: Applicant): Answer {
    move({ ...applicant, status: 'Pending' })
    return { status: 200, json: { response: 'success' } }
  }

  function changeWorkspace(fields: Fields): Answer {
    const { workspace = '' } = texts(fields)
    // The odd one: a failure under 200.
    if (!WORKSPACES.includes(workspace))
      return { status: 200, json: { status: 'error', response: 'Workspace not found' } }
    return { status: 200, json: { currentWorkspace: workspace } }
  }

  function configureWebhook(fields: Fields): Answer {
    const token = isTrue(fields.generateToken) ? random.mixed(32) : (webhooks.get(USER_ID)?.token ?? null)
    const { webhookUrl = '' } = texts(fields)
    return success(webhooks.put(USER_ID, { webhookUrl, token, headerToken: isTrue(fields.headerToken) }))
  }

  const post = (path: string, answer: (request: SandboxRequest) => Answer | Promise<Answer>) =>
    ({ method: 'POST', path, answer }) as const

  /** A workflow of a user who is logged in; it needs the fields named. */
  const workflow = (path: string, needs: readonly string[], run: (fields: Fields) => Answer) =>
    post(path, async request => unauthorised(request) ?? runWith((await readFields(request)) ?? {}, needs, run))

  /** A workflow about one applicant, who may be named by either field. */
  const about = (path: string, needs: readonly string[], run: (applicant: Applicant, fields: Fields) => Answer) =>
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
      about('/api-applicant-status', [], applicant => success(toStatus(applicant))),
      about('/api-applicant-details', [], applicant => success(toDetails(applicant))),
      about('/api-verificationlink-create', [], createLink),
      about('/api-document-upload', ['docType', 'docFile'], uploadDocument),
      about('/api-request-applicant-check', [], requestCheck),
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

function runWith(fields: Fields, needs: readonly string[], run: (fields: Fields) => Answer): Answer {
  const absent = needs.find(name => fields[name] == null || fields[name] === '')
  return absent ? missing(absent) : run(fields)
}

function success(response: unknown): Answer {
  return { status: 200, json: { status: 'success', response } }
}

function failure(message: string): Answer {
  return { status: 400, json: { statusCode: 400, message } }
}

function refusal(statusCode: number, status: string, message: string): Answer {
  return { status: statusCode, json: { statusCode, body: { status, message } } }
}

function missing(name: string): Answer {
  return refusal(400, 'MISSING_DATA', `Missing parameter ${name}`)
}

/** The fields that are text and not empty. */
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

/** A list, or a JSON list as text; text that is none stands for itself. */
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
