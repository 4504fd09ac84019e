import { loadJSONSchemaSubgraph } from '@omnigraph/json-schema'

/** The providers as subgraphs, each with the fields that the documents need. */

const text = { type: 'string' } as const
const texts = (...names: readonly string[]) => Object.fromEntries(names.map(name => [name, text]))
const object = (title: string, properties: object) => ({ type: 'object', title, properties }) as const
const list = (items: object) => ({ type: 'array', items }) as const
const map = { type: 'object', additionalProperties: true } as const

const attempt = object('KayleAttempt', {
  ...texts('id', 'status', 'failure_code', 'created_at'),
  risk_score: { type: 'number' },
})
const session = object('KayleSession', {
  ...texts('id', 'status', 'created_at', 'updated_at'),
  attempts: list(attempt),
})
const created = object('KayleCreated', {
  ...texts(
    'id',
    'status',
    'redirect_url',
    'verification_url',
    'cancel_token',
    'expires_at',
    'created_at',
    'updated_at',
  ),
  share_fields: map,
})
const customer = object('RapidlyCustomer', texts('id', 'email', 'name', 'created_at'))
const applicant = object('YorletApplicant', { ...texts('id', 'status'), created: { type: 'integer' } })

const KAYLE = [
  {
    type: 'Query',
    field: 'kayleSession',
    method: 'GET',
    path: '/v1/sessions/{args.id}?include_attempts=true',
    responseSchema: object('KayleSessionAnswer', { data: session }),
  },
  {
    type: 'Mutation',
    field: 'createKayleSession',
    method: 'POST',
    path: '/v1/sessions',
    requestSchema: object('KayleCreate', { redirect_url: text, share_fields: map }),
    responseSchema: object('KayleCreatedAnswer', { data: created }),
  },
] as const
const RAPIDLY = [
  { type: 'Query', field: 'rapidlyCustomer', method: 'GET', path: '/customers/{args.id}', responseSchema: customer },
] as const
const YORLET = [
  {
    type: 'Query',
    field: 'yorletApplicants',
    method: 'GET',
    path: '/applications/{args.application}/applicants',
    responseSchema: object('YorletApplicants', { data: list(applicant) }),
  },
] as const

const QUIET = { log() {}, debug() {}, info() {}, warn: console.error, error: console.error, child: () => QUIET }

/** The subgraphs for the composition. */
export function loadRestSubgraphs(env: NodeJS.ProcessEnv) {
  const providers = [
    ['kayle', KAYLE],
    ['rapidly', RAPIDLY],
    ['yorlet', YORLET],
  ] as const
  const subgraphs = providers.map(async ([provider, operations]) => {
    const setting = provider.toUpperCase()
    const load = loadJSONSchemaSubgraph(provider, {
      endpoint: env[`${setting}_BASE_URL`] ?? '',
      operationHeaders: { authorization: `Bearer ${env[`${setting}_API_KEY`]}` },
      operations: [...operations],
    })
    const { name, schema$ } = load({ fetch: fetch as never, cwd: process.cwd(), logger: QUIET as never })
    return { name, schema: await schema$ }
  })
  return Promise.all(subgraphs)
}
