import { randomUUID } from 'node:crypto'
import {
  CREATE_APPLICANT,
  CREATE_SESSION,
  type CreatedData,
  PROVIDERS_QUERY,
  READ_SESSION,
  type ReadBack,
  type SessionRead,
} from './operations.ts'
import { SCENARIOS, type Scenario } from './scenarios.ts'
import { type DemoServer, findServer, type GraphqlResponse } from './server.ts'

/** Runs all scenarios against a server. True if all of them succeeded. */
export async function runDemo(env: NodeJS.ProcessEnv): Promise<boolean> {
  const server = await findServer(env)
  console.log(`sessiongraph at ${server.url} (${server.origin})`)
  let failed = 0
  for (const scenario of SCENARIOS) {
    console.log(`\n${scenario.provider}: ${scenario.title}`)
    await runScenario(server, scenario).catch((error: unknown) => {
      failed += 1
      console.log(`  FAILED     ${error instanceof Error ? error.message : String(error)}`)
    })
  }
  await server.close()
  console.log(`\n${SCENARIOS.length - failed} of ${SCENARIOS.length} scenarios succeeded.`)
  return failed === 0
}

async function runScenario(server: DemoServer, scenario: Scenario): Promise<void> {
  const applicant = scenario.applicant && (await create(server, CREATE_APPLICANT, { applicant: scenario.applicant }))
  if (applicant) print('applicant', applicant.id)
  const created = await create(server, CREATE_SESSION, { session: scenario.session(applicant?.id) })
  const hostedUrl = created.access?.hostedUrl
  if (!hostedUrl) throw new Error('The session has no hosted link.')
  print('session', created.id)
  print('send to', hostedUrl)

  const isAdvanced = scenario.step && (await isSandbox(server, scenario.provider))
  const before = await read(server, created.id)
  if (isAdvanced) {
    await runSteps(new URL(hostedUrl).origin, before.providerId, scenario.step)
    print('end user', `completed: ${scenario.step}`)
  }
  const session = isAdvanced ? await read(server, created.id, { maxAgeSeconds: 0, onError: 'FAIL' }) : before
  describe(session)
  if (isAdvanced && session.status !== 'COMPLETED') throw new Error(`Expected COMPLETED, not ${session.status}.`)
  if (isAdvanced && session.attempts?.nodes.length === 0) throw new Error('Expected at least one attempt.')
  const missing = scenario.steps.filter(step => session[step] === null)
  if (missing.length > 0) throw new Error(`Missing in the session: ${missing.join(', ')}.`)
}

async function create(
  server: DemoServer,
  mutation: string,
  name: object,
): Promise<NonNullable<CreatedData['created']['record']>> {
  const input = { idempotencyKey: `demo-${randomUUID()}`, externalId: 'usr_1337', ...name }
  const { created } = unwrap(await server.execute<CreatedData>(mutation, { input }))
  if (created.record) return created.record
  const issues = created.issues?.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
  throw new Error([`${created.code} ${created.message}`, ...issues].join(' '))
}

/** Reads the session, its attempts, its applicant and its customer in one query. */
async function read(server: DemoServer, id: string, freshness?: object): Promise<SessionRead> {
  const { session } = unwrap(await server.execute<ReadBack>(READ_SESSION, { id, freshness }))
  if (session?.id !== id) throw new Error('The created session could not be read.')
  return session
}

async function isSandbox(server: DemoServer, provider: string): Promise<boolean> {
  const answer = await server.execute<{ providers: { provider: string; sandbox: boolean }[] }>(PROVIDERS_QUERY)
  return unwrap(answer).providers.some(each => each.provider === provider && each.sandbox)
}

/** Moves the sandbox's object as its end user would. */
async function runSteps(origin: string, id: string, to: string | undefined): Promise<void> {
  const response = await fetch(`${origin}/_sandbox/advance`, { method: 'POST', body: JSON.stringify({ id, to }) })
  if (!response.ok) throw new Error(`The sandbox responded: ${await response.text()}`)
}

function unwrap<Data>({ data, errors }: GraphqlResponse<Data>): Data {
  if (data && !errors?.length) return data
  throw new Error(errors?.map(({ message, extensions }) => `${extensions?.code} ${message}`).join(' ') ?? 'No data.')
}

function describe({ status, outcome, providerStatus, attempts, applicant, customer }: SessionRead): void {
  print('status', `${status}, outcome ${outcome}${providerStatus ? ` (provider status: ${providerStatus})` : ''}`)
  for (const { kind, status, failureCode } of attempts?.nodes ?? []) {
    print(kind.toLowerCase(), failureCode ? `${status} (${failureCode})` : status)
  }
  if (applicant)
    print('applicant', formatValue(applicant.firstName, applicant.lastName, applicant.email, applicant.status))
  if (customer) print('customer', formatValue(customer.name, customer.email))
}

function formatValue(...steps: readonly (string | null)[]): string {
  return steps.filter(step => step !== null).join(' ')
}

function print(label: string, text: string): void {
  console.log(`  ${label.padEnd(10)} ${text}`)
}
