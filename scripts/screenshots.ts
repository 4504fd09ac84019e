import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { loadConfig } from '../src/app/config.ts'
import { packageRoot } from '../src/app/package.ts'
import { startServer } from '../src/app/start-server.ts'
import { SCENARIOS } from '../src/demo/scenarios.ts'
import { registry } from '../src/providers/registry.ts'

/**
 * `npm run screenshots`: writes the pictures of the README to docs/images. It starts a server with sandboxes in memory,
 * creates sessions at every provider, and opens GraphiQL and the console in a browser, in light and dark mode.
 */

const FOLDER = join(packageRoot(), 'docs', 'images')
const CHROMIUM = process.env.CHROMIUM_PATH || '/usr/bin/chromium'
const API_KEY = 'sg_dev_key_for_the_screenshots'
const VIEWPORT = { width: 1000, height: 680 }
const MAX_BYTES = 100_000
const SCHEMES = ['light', 'dark'] as const
/** Animations and delayed chart layouts are over after this time. */
const SETTLES_MS = 600

const CREATE_SESSION = `mutation ($input: CreateSessionInput!) {
  createSession(input: $input) {
    ... on CreateSessionPayload { session { providerId access { hostedUrl } } }
    ... on UnconfirmedError { code }
    ... on MutationError { message }
  }
}`
const CREATE_APPLICANT = `mutation ($input: CreateApplicantInput!) {
  createApplicant(input: $input) {
    ... on CreateApplicantPayload { applicant { id } }
    ... on MutationError { message }
  }
}`

interface Created {
  readonly session?: { readonly providerId: string; readonly access: { readonly hostedUrl: string } }
  readonly applicant?: { readonly id: string }
  readonly code?: string
  readonly message?: string
}

const config = loadConfig(
  {
    DATABASE_URL: 'sqlite::memory:',
    ENCRYPTION_KEY: '00'.repeat(32),
    DEV_API_KEY: API_KEY,
    PORT: '0',
    SANDBOX_PORT: '0',
    LOG_LEVEL: 'silent',
  },
  Object.values(registry),
)
const server = await startServer(config)
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
try {
  if (!existsSync(FOLDER)) mkdirSync(FOLDER)
  await createData()
  for (const scheme of SCHEMES) {
    await takePicture(browser, `graphiql-${scheme}`, scheme, showGraphiql)
    await takePicture(browser, `console-${scheme}`, scheme, showConsole)
  }
} finally {
  await browser.close()
  await server.close()
}

/** A create with an unknown outcome, an open and a rejected session, and a completed one at every provider; Personr is the newest. */
async function createData(): Promise<void> {
  const sandbox = server.sandboxes.find(({ provider }) => provider === 'KAYLE')?.origin
  const rules = [{ method: 'POST', fault: { kind: 'reset', when: 'before' } }]
  await fetch(`${sandbox}/_sandbox/faults`, { method: 'POST', body: JSON.stringify({ rules }) })
  await execute(CREATE_SESSION, { idempotencyKey: 'lost', externalId: 'usr_1342', session: { kayle: {} } })
  await fetch(`${sandbox}/_sandbox/faults`, { method: 'DELETE' })
  await loseApplicant()
  await createSession({ idempotencyKey: 'open', externalId: 'usr_1341', session: { kayle: {} } })
  await createSession({ idempotencyKey: 'failed', externalId: 'usr_1340', session: { kayle: {} } }, 'attempt_failed')
  const scenarios = SCENARIOS.toSorted((one, other) => Number(!!one.applicant) - Number(!!other.applicant))
  for (const { provider, applicant, session, step } of scenarios) {
    const externalId = 'usr_1337'
    const created =
      applicant && (await execute(CREATE_APPLICANT, { idempotencyKey: `${provider}-applicant`, externalId, applicant }))
    const input = { idempotencyKey: provider, externalId, session: session(created?.applicant?.id) }
    await createSession(input, step)
  }
}

/** A create without a response at a provider that cannot be searched. */
async function loseApplicant(): Promise<void> {
  const faults = `${server.sandboxes.find(({ provider }) => provider === 'PERSONR')?.origin}/_sandbox/faults`
  const rules = [{ method: 'POST', path: '*-create', fault: { kind: 'reset', when: 'after' } }]
  await fetch(faults, { method: 'POST', body: JSON.stringify({ rules }) })
  const applicant = { personr: { email: 'ford@example.com', phone: '+46700000001', flowName: 'KYC basic' } }
  await execute(CREATE_APPLICANT, { idempotencyKey: 'signup-1343', externalId: 'usr_1343', applicant })
  await fetch(faults, { method: 'DELETE' })
}

async function createSession(input: object, step?: string): Promise<void> {
  const { session, message } = await execute(CREATE_SESSION, input)
  if (!session) throw new Error(`No session was created: ${message}`)
  if (!step) return
  const body = JSON.stringify({ id: session.providerId, to: step })
  const moved = await fetch(new URL('/_sandbox/advance', session.access.hostedUrl), { method: 'POST', body })
  if (!moved.ok) throw new Error(await moved.text())
}

async function execute(query: string, input: object): Promise<Created> {
  const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' }
  const response = await fetch(server.url, {
    method: 'POST',
    headers,
    body: JSON.stringify({ query, variables: { input } }),
  })
  const { data, errors } = (await response.json()) as { data?: Record<string, Created>; errors?: unknown }
  const [created] = Object.values(data ?? {})
  if (!created || errors) throw new Error(JSON.stringify(errors))
  return created
}

async function takePicture(
  on: Browser,
  name: string,
  colorScheme: (typeof SCHEMES)[number],
  show: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await on.newContext({ viewport: VIEWPORT, colorScheme })
  const page = await context.newPage()
  await show(page)
  await page.waitForTimeout(SETTLES_MS)
  const picture = await page.screenshot()
  if (picture.length > MAX_BYTES) throw new Error(`${name}.png has ${picture.length} bytes; the limit is ${MAX_BYTES}.`)
  writeFileSync(join(FOLDER, `${name}.png`), picture)
  console.log(`docs/images/${name}.png: ${picture.length} bytes`)
  await context.close()
}

/** The example that reads sessions with everything that belongs to them, and its response. */
async function showGraphiql(page: Page): Promise<void> {
  const schema = page.waitForResponse(response => response.request().postData()?.includes('__schema') === true)
  await page.goto(server.url)
  await (await schema).finished()
  await page.getByRole('button', { name: 'ReadSessions', exact: true }).press('Enter')
  await page.locator('.graphiql-query-editor').getByText('ReadSessions').waitFor()
  await page.waitForTimeout(SETTLES_MS)
  await page.locator('.graphiql-execute-button').click()
  await page.locator('.graphiql-response').getByText('"data"').waitFor()
}

async function showConsole(page: Page): Promise<void> {
  await page.goto(new URL('/console', server.url).href)
  await page.getByLabel('API key with the scope admin').fill(API_KEY)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('request without a known result').waitFor()
}
