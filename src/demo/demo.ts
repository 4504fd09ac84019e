import { randomUUID } from 'node:crypto'
import {
  CREATE_APPLICANT,
  CREATE_SESSION,
  type Created,
  PROVIDERS,
  READ_SESSION,
  type ReadBack,
  type SessionRead,
} from './operations.ts'
import { type Answer, type DemoServer, findServer } from './server.ts'
import { STORIES, type Story } from './stories.ts'

/** Tells the whole story against a server. Gives whether all of it came true. */
export async function tellDemo(env: NodeJS.ProcessEnv): Promise<boolean> {
  const server = await findServer(env)
  console.log(`sessiongraph at ${server.url} (${server.origin})`)
  let failed = 0
  for (const story of STORIES) {
    console.log(`\n${story.provider}: ${story.title}`)
    await tell(server, story).catch((error: unknown) => {
      failed += 1
      console.log(`  FAILED     ${error instanceof Error ? error.message : String(error)}`)
    })
  }
  await server.close()
  console.log(`\n${STORIES.length - failed} of ${STORIES.length} providers told their story.`)
  return failed === 0
}

async function tell(server: DemoServer, story: Story): Promise<void> {
  const applicant = story.applicant && (await create(server, CREATE_APPLICANT, { applicant: story.applicant }))
  if (applicant) say('applicant', applicant.id)
  const made = await create(server, CREATE_SESSION, { session: story.session(applicant?.id) })
  const hostedUrl = made.access?.hostedUrl
  if (!hostedUrl) throw new Error('The session has no link for its end user.')
  say('session', made.id)
  say('send to', hostedUrl)

  const walked = story.step && (await isSandbox(server, story.provider))
  const before = await read(server, made.id)
  if (walked) {
    await walk(new URL(hostedUrl).origin, before.providerId, story.step)
    say('end user', `did it: ${story.step}`)
  }
  const session = walked ? await read(server, made.id, { maxAgeSeconds: 0, onError: 'FAIL' }) : before
  describe(session)
  if (walked && session.status !== 'COMPLETED') throw new Error(`Expected COMPLETED, not ${session.status}.`)
  if (walked && session.attempts?.nodes.length === 0) throw new Error('Expected at least one attempt.')
  const missing = story.parts.filter(part => session[part] === null)
  if (missing.length > 0) throw new Error(`Expected with the session: ${missing.join(', ')}.`)
}

async function create(
  server: DemoServer,
  mutation: string,
  what: object,
): Promise<NonNullable<Created['created']['made']>> {
  const input = { idempotencyKey: `demo-${randomUUID()}`, externalId: 'usr_1337', ...what }
  const { created } = unwrap(await server.ask<Created>(mutation, { input }))
  if (created.made) return created.made
  const issues = created.issues?.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
  throw new Error([`${created.code} ${created.message}`, ...issues].join(' '))
}

/** The session, its attempts, its applicant and its customer: one call. */
async function read(server: DemoServer, id: string, freshness?: object): Promise<SessionRead> {
  const { session } = unwrap(await server.ask<ReadBack>(READ_SESSION, { id, freshness }))
  if (session?.id !== id) throw new Error('The session cannot be read back.')
  return session
}

async function isSandbox(server: DemoServer, provider: string): Promise<boolean> {
  const answer = await server.ask<{ providers: { provider: string; sandbox: boolean }[] }>(PROVIDERS)
  return unwrap(answer).providers.some(each => each.provider === provider && each.sandbox)
}

/** Moves the sandbox's object as its end user would. */
async function walk(origin: string, id: string, to: string | undefined): Promise<void> {
  const response = await fetch(`${origin}/_sandbox/advance`, { method: 'POST', body: JSON.stringify({ id, to }) })
  if (!response.ok) throw new Error(`The sandbox said: ${await response.text()}`)
}

function unwrap<Data>({ data, errors }: Answer<Data>): Data {
  if (data && !errors?.length) return data
  throw new Error(errors?.map(({ message, extensions }) => `${extensions?.code} ${message}`).join(' ') ?? 'No data.')
}

function describe({ status, outcome, providerStatus, attempts, applicant, customer }: SessionRead): void {
  say('status', `${status}, outcome ${outcome}${providerStatus ? ` (its own word: ${providerStatus})` : ''}`)
  for (const { kind, status, failureCode } of attempts?.nodes ?? []) {
    say(kind.toLowerCase(), failureCode ? `${status} (${failureCode})` : status)
  }
  if (applicant) say('applicant', words(applicant.firstName, applicant.lastName, applicant.email, applicant.status))
  if (customer) say('customer', words(customer.name, customer.email))
}

function words(...parts: readonly (string | null)[]): string {
  return parts.filter(part => part !== null).join(' ')
}

function say(label: string, text: string): void {
  console.log(`  ${label.padEnd(10)} ${text}`)
}
