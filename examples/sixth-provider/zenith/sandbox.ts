import { random } from '../../sandbox/random.ts'
import {
  type Route,
  readFields,
  type SandboxContext,
  type SandboxDefinition,
  SandboxInputError,
  type SandboxRequest,
  type SandboxResponse,
  type SandboxRoutes,
} from '../../sandbox/sandbox.ts'
import type { Collection } from '../../sandbox/store.ts'
import { type Check, createCheckBody } from './wire.ts'

const API_KEY = 'zenith_test_sandbox'
const HOUR = 3600

export const sandbox: SandboxDefinition<{ apiKey: string }> = {
  credentials: { apiKey: API_KEY },
  basePath: '/v2',
  undocumentedBehaviour: [
    'A check closes an hour after it was opened.',
    'An unknown path is answered 404 no_such_thing.',
  ],
  open,
}

/** The steps of /_sandbox/advance, and the change that each makes. */
const STEPS: Readonly<Record<string, Partial<Check>>> = {
  started: { status: 'started' },
  passed: { status: 'finished', verdict: 'pass' },
  failed: { status: 'finished', verdict: 'fail' },
  lapsed: { status: 'lapsed' },
}

function open({ clock, collection, origin }: SandboxContext): SandboxRoutes {
  const checks = collection<Check>('checks')
  const seconds = () => Math.floor(clock.now().getTime() / 1000)
  const routes: Route[] = [
    { method: 'POST', path: '/checks', answer: request => create(checks, request, { origin, at: seconds() }) },
    { method: 'GET', path: '/checks', answer: request => list(checks, request) },
    { method: 'GET', path: '/checks/:id', answer: ({ params }) => show(checks.get(params.id ?? '')) },
  ]
  return {
    routes: routes.map(secured),
    unmatched: () => refuse(404, 'no_such_thing'),
    advance: ({ id, to }) => {
      const known = checks.get(id)
      const step = STEPS[to]
      if (!known || !step) throw new SandboxInputError(`The steps are ${Object.keys(STEPS).join(', ')}.`)
      return checks.put(id, { ...known, ...step })
    },
  }
}

async function create(
  checks: Collection<Check>,
  request: SandboxRequest,
  { origin, at }: { readonly origin: string; readonly at: number },
): Promise<SandboxResponse> {
  const body = createCheckBody.safeParse(await readFields(request))
  if (!body.success) return refuse(422, 'bad_field', String(body.error.issues[0]?.path[0] ?? ''))
  const { level, person_ref } = body.data
  const id = `chk_${random.lower(12)}`
  const link = `${origin}/open/${id}`
  const made = { check_id: id, status: 'waiting', level, link, person_ref, opened: at, closes: at + HOUR }
  return { status: 201, json: checks.put(id, made) }
}

function show(check: Check | undefined): SandboxResponse {
  return check ? { status: 200, json: withoutLink(check) } : refuse(404, 'no_such_check')
}

/** Newest first; `after` is the last one of the page before. */
function list(checks: Collection<Check>, { query }: SandboxRequest): SandboxResponse {
  const all = checks.all().reverse()
  const limit = Number(query.get('limit') ?? 20)
  const start = query.has('after') ? all.findIndex(each => each.check_id === query.get('after')) + 1 : 0
  const page = all.slice(start, start + limit)
  const next = start + limit < all.length ? page.at(-1)?.check_id : null
  return { status: 200, json: { checks: page.map(withoutLink), next } }
}

/** Only the create returns the link. */
function withoutLink({ link: _, ...check }: Check): Omit<Check, 'link'> {
  return check
}

function secured(route: Route): Route {
  return {
    ...route,
    answer: request => (request.headers['x-zenith-key'] === API_KEY ? route.answer(request) : refuse(401, 'bad_key')),
  }
}

function refuse(status: number, code: string, field?: string): SandboxResponse {
  return { status, json: { fault: { code, field: field ?? null } } }
}
