import type { RunningServer } from '../../../src/app/start-server.ts'
import { decodeGlobalId } from '../../../src/domain/global-id.ts'
import { recordEvents } from '../../../src/services/events/timeline.ts'
import { API_KEY, controlSandbox } from '../app/test-app.ts'

/** The records that the worst requests ask for. */
export interface RichData {
  /** One of `sessionIds`, with many events and attempts. */
  readonly richSessionId: string
  readonly richProviderId: string
  readonly sessionIds: readonly string[]
  readonly externalId: string
  readonly customerId: string
  readonly applicantId: string
}

export interface RichDataSize {
  readonly sessions: number
  readonly events: number
  readonly attempts: number
}

/** As much metadata as a record can have. */
const METADATA = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`key${at}`, 'x'.repeat(190)]))
const EXTERNAL_ID = 'usr_rich'

/** Creates sessions of one person with all that a record can have, and links them to one customer and one applicant. */
export async function seedRichData(app: RunningServer, kayleOrigin: string, size: RichDataSize): Promise<RichData> {
  const customer = await create(app, 'Customer', 'customer', {
    idempotencyKey: 'rich-customer',
    externalId: EXTERNAL_ID,
    customer: { rapidly: { email: 'rich@example.com', name: 'Rich Data', metadata: METADATA } },
  })
  const applicant = await create(app, 'Applicant', 'applicant', {
    idempotencyKey: 'rich-applicant',
    externalId: EXTERNAL_ID,
    applicant: { personr: { email: 'rich@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' } },
  })
  const sessions: Created[] = []
  for (let at = 0; at < size.sessions; at++) {
    const session = await create(app, 'Session', 'session', {
      idempotencyKey: `rich-${at}`,
      externalId: EXTERNAL_ID,
      metadata: METADATA,
      session: { kayle: { redirectUrl: 'https://app.example.com/done', shareFields: SHARE_FIELDS } },
    })
    sessions.push(session)
    await execute(app, LINK, { input: { sessionId: session.id, customerId: customer.id, applicantId: applicant.id } })
  }
  const [rich] = sessions
  if (!rich) throw new Error('Expected at least one session.')
  const sandbox = controlSandbox(kayleOrigin)
  for (let at = 0; at < size.attempts; at++) {
    await sandbox.advance({ id: rich.providerId, to: 'attempt_started' })
    await sandbox.advance({ id: rich.providerId, to: 'attempt_failed' })
  }
  await execute(app, 'query ($id: ID!) { session(by: { id: $id }, freshness: { maxAgeSeconds: 0 }) { id } }', {
    id: rich.id,
  })
  const [stored] = await app.services.sessions.findMany({ tenantId: 'dev' }, [decodeGlobalId(rich.id)?.id ?? ''])
  if (!stored) throw new Error('Expected the rich session to be stored.')
  const change = { session: stored, source: 'WEBHOOK', at: new Date() } as const
  for (let at = 0; at < size.events; at += 100) {
    await recordEvents(
      app.db,
      change,
      Array.from({ length: 100 }, () => ({ type: 'WebhookReceived', providerEvent: 'session.updated', applied: true })),
    )
  }
  return {
    richSessionId: rich.id,
    richProviderId: rich.providerId,
    sessionIds: sessions.map(({ id }) => id),
    externalId: EXTERNAL_ID,
    customerId: customer.id,
    applicantId: applicant.id,
  }
}

interface Created {
  readonly id: string
  readonly providerId: string
}

const SHARE_FIELDS = [
  { key: 'date_of_birth', required: true, reason: 'To check that you are of age' },
  { key: 'family_name', required: true, reason: 'To know who you are' },
  { key: 'given_names', required: false, reason: 'To know who you are' },
]

const LINK = /* GraphQL */ `
  mutation ($input: LinkSessionInput!) {
    linkSession(input: $input) { __typename ... on MutationError { message } }
  }
`

async function create(app: RunningServer, type: string, field: string, input: object): Promise<Created> {
  const { data } = await execute(
    app,
    `mutation ($input: Create${type}Input!) { made: create${type}(input: $input) { ... on Create${type}Payload { record: ${field} { id providerId } } ... on MutationError { message } } }`,
    { input },
  )
  if (!data?.made?.record) throw new Error(`Expected a ${field}: ${JSON.stringify(data)}`)
  return data.made.record
}

// biome-ignore lint/suspicious/noExplicitAny: each caller knows the shape of its response
async function execute({ app }: RunningServer, query: string, variables: object): Promise<any> {
  const response = await app.fetch('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({ query, variables }),
  })
  const answer = (await response.json()) as { errors?: unknown }
  if (answer.errors) throw new Error(JSON.stringify(answer.errors))
  return answer
}
