import { envVarName } from '../../../src/app/config.ts'
import { loadSandboxes } from '../../../src/app/sandboxes.ts'
import type { Provider } from '../../../src/domain/provider.ts'
import type { ProviderModule } from '../../../src/providers/contract.ts'
import { registry } from '../../../src/providers/registry.ts'
import { startSandboxes } from '../../../src/sandbox/start-all.ts'
import { type Fate, type Network, type Passing, startNetwork } from './server-process.ts'
import { controlSandbox, type SandboxControl } from './test-app.ts'

/** Creates of every kind at the sandboxes of all providers. A tag identifies each create. */

export interface Workload {
  /** The server settings for these providers. */
  readonly env: Readonly<Record<string, string>>
  readonly networks: readonly Network[]
  sandbox(provider: Provider): SandboxControl
  close(): Promise<void>
}

export interface WorkloadOptions {
  fateOf(provider: Provider, passing: Passing): Fate | Promise<Fate>
  delayMs(): number
}

/** A token of Personr's sandbox that a login does not invalidate, so that two servers do not log each other out. */
const PERSONR_TOKEN = 'bus|4242424242424x424242424242424242|4343434343434x434343434343434343'

export async function startWorkload({ fateOf, delayMs }: WorkloadOptions): Promise<Workload> {
  const modules: readonly ProviderModule[] = Object.values(registry)
  const sandboxes = await startSandboxes(await loadSandboxes(modules), { port: 0, anyPort: true })
  const env: Record<string, string> = { PERSONR_API_KEY: PERSONR_TOKEN, SANDBOX: 'off' }
  const networks: Network[] = []
  for (const { origin, provider, settings } of sandboxes) {
    const network = await startNetwork({
      target: origin,
      fateOf: passing => fateOf(provider as Provider, passing),
      delayMs,
    })
    networks.push(network)
    const baseUrl = settings.baseUrl.replace(origin, network.origin)
    for (const [name, value] of Object.entries({ ...settings, baseUrl }))
      env[envVarName(provider, name)] = String(value)
  }
  return {
    env,
    networks,
    sandbox: provider => controlSandbox(sandboxes.find(each => each.provider === provider)?.origin ?? ''),
    close: async () => void (await Promise.all([...networks, ...sandboxes].map(each => each.close()))),
  }
}

type Objects = Readonly<Record<string, Readonly<Record<string, object>>>>

/** One create of one provider. */
export interface Kind {
  readonly name: string
  readonly provider: Provider
  readonly recordType: 'session' | 'applicant' | 'customer'
  /** The end of the path that the create is posted to. */
  readonly path: string
  /** The maximum number of objects at the provider for one key. */
  readonly most: 1 | 2
  /** The input without the idempotency key. */
  input(tag: string, world: Workload): object | Promise<object>
  /** The ids of all objects at the provider by tag. `tagOf` returns the tag of one of our references. */
  made(objects: Objects, tagOf: (reference: string) => string | undefined): [tag: string, id: string][]
}

export const KINDS: readonly Kind[] = [
  {
    name: 'kayle-session',
    provider: 'KAYLE',
    recordType: 'session',
    path: '/v1/sessions',
    most: 1,
    input: tag => ({ session: { kayle: { redirectUrl: `https://app.example.com/done/${tag}` } } }),
    made: ({ sessions }) => tagged(sessions, ({ redirect_url }) => lastSegment(redirect_url)),
  },
  {
    name: 'personr-applicant',
    provider: 'PERSONR',
    recordType: 'applicant',
    path: '/api-applicant-create',
    most: 1,
    input: tag => ({
      applicant: { personr: { email: toEmail(tag), phone: '+46 70 000 00 00', flowName: 'KYC basic' } },
    }),
    made: ({ applicants }) => tagged(applicants, ({ email }) => ofEmail(email)),
  },
  {
    name: 'personr-session',
    provider: 'PERSONR',
    recordType: 'session',
    path: '/api-verificationlink-create',
    most: 2,
    // Only its applicant identifies a link, so each link has its own applicant.
    input: async (tag, world) => {
      const applicantProviderId = await makeApplicant(world.sandbox('PERSONR').origin, tag)
      return { session: { personr: { applicant: { applicantProviderId } } } }
    },
    made: ({ applicants, links }) =>
      tagged(links, ({ applicant }) => ofEmail((applicants?.[String(applicant)] as Fields | undefined)?.email)),
  },
  {
    name: 'rapidly-customer',
    provider: 'RAPIDLY',
    recordType: 'customer',
    path: '/customers/',
    most: 1,
    input: tag => ({ customer: { rapidly: { email: toEmail(tag) } } }),
    made: ({ customers }) => tagged(customers, ({ email }) => ofEmail(email)),
  },
  {
    name: 'rapidly-session',
    provider: 'RAPIDLY',
    recordType: 'session',
    path: '/customer-sessions/',
    most: 2,
    input: tag => {
      const returnUrl = `https://app.example.com/account/${tag}`
      return { session: { rapidly: { customer: { customerExternalId: 'usr_1337' }, redirectUrl: returnUrl } } }
    },
    made: ({ customer_sessions }) => tagged(customer_sessions, ({ return_url }) => lastSegment(return_url)),
  },
  {
    name: 'verilock-session',
    provider: 'VERILOCK',
    recordType: 'session',
    path: '/sessions',
    most: 1,
    input: tag => ({
      externalId: tag,
      session: { verilock: { profileId: '01234567-89ab-cdef-0123-456789abcdef', applicantEmail: toEmail(tag) } },
    }),
    made: ({ sessions }) => tagged(sessions, ({ input }) => ofEmail((input as Fields).applicant_email)),
  },
  {
    name: 'yorlet-customer',
    provider: 'YORLET',
    recordType: 'customer',
    path: '/customers',
    most: 1,
    input: tag => ({ customer: { yorlet: { email: toEmail(tag) } } }),
    made: ({ customers }) => tagged(customers, ({ email }) => ofEmail(email)),
  },
  {
    name: 'yorlet-session',
    provider: 'YORLET',
    recordType: 'session',
    path: '/application_sessions',
    most: 1,
    input: () => ({ session: { yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } } }),
    // A session has none of our references, so its Idempotency-Key identifies it.
    made: ({ idempotency_keys, application_sessions }, tagOf) =>
      Object.entries(idempotency_keys ?? {}).flatMap(([key, stored]): [string, string][] => {
        const { id } = (stored as { answer: { json: { id: string } } }).answer.json
        const tag = tagOf(key.replace(/-\d+$/, ''))
        return tag && application_sessions?.[id] ? [[tag, id]] : []
      }),
  },
]

type Fields = Readonly<Record<string, unknown>>

function tagged(collection: Objects[string] | undefined, tagOf: (fields: Fields) => string): [string, string][] {
  return Object.entries(collection ?? {}).map(([id, object]) => [tagOf(object as Fields), id])
}

function toEmail(tag: string): string {
  return `${tag}@example.com`
}

function ofEmail(email: unknown): string {
  return String(email).split('@')[0] ?? ''
}

function lastSegment(url: unknown): string {
  return typeof url === 'string' ? (new URL(url).pathname.split('/').at(-1) ?? '') : ''
}

async function makeApplicant(origin: string, tag: string): Promise<string> {
  const response = await fetch(`${origin}/api/1.1/wf/api-applicant-create`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${PERSONR_TOKEN}` },
    body: JSON.stringify({ email: toEmail(tag), phone: '+46 70 000 00 00', flowName: 'KYC basic' }),
  })
  const { response: made } = (await response.json()) as { response: { applicantId: string } }
  return made.applicantId
}

/** A record as a client receives it. */
export interface Created {
  readonly id: string
  readonly providerId: string
  readonly access?: Readonly<Record<string, string | null>> | null
}

/** The outcome of a mutation: a payload, an error of the result union, or a code in `errors`. */
export interface ReportedOutcome {
  readonly record?: Created
  readonly replayed?: boolean
  readonly code?: string
}

/** The create mutation of a record type. `record` is the created record. */
export function mutationOf({ recordType }: Kind): string {
  const name = `${recordType[0]?.toUpperCase()}${recordType.slice(1)}`
  const access = recordType === 'session' ? 'access { hostedUrl sdkToken cancelToken }' : ''
  return /* GraphQL */ `
    mutation ($input: Create${name}Input!) {
      made: create${name}(input: $input) {
        ... on Create${name}Payload { replayed record: ${recordType} { id providerId ${access} } }
        ... on MutationError { code }
      }
    }
  `
}

/** Parses the response of a mutation. */
export function toReportedOutcome(answer: {
  readonly data?: { readonly made?: ReportedOutcome | null } | null
  readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[]
}): ReportedOutcome {
  return answer.data?.made ?? { code: answer.errors?.[0]?.extensions?.code ?? 'NO_ANSWER' }
}

/** Seeded random numbers between 0 and 1 (Mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
