import {
  type AdvanceStep,
  type HostedAction,
  type HostedPages,
  type Route,
  readFields,
  type SandboxRequest,
  type SandboxResponse,
  type SandboxRoutes,
} from '../sandbox.ts'
import { showHostedSession } from './hosted-view.ts'
import { html } from './html.ts'
import { toPage } from './page.ts'

/** The pages trigger the same steps as `/_sandbox/advance`, restricted to the offered actions. */
export function hostedRoutes({ advance, pages }: SandboxRoutes): Route[] {
  if (!pages) return []
  const get = (request: SandboxRequest) => showFound(pages, pages.find(request))
  const post = async (request: SandboxRequest): Promise<SandboxResponse> => {
    const found = pages.find(request)
    if (typeof found === 'string') return showFound(pages, found)
    if (!isFromThisPage(request)) return showProblem(pages, 'FORBIDDEN')
    const step = findStep(found.actions, (await readFields(request)) ?? {})
    if (step) advance(step)
    return { status: 303, headers: { location: toRequestTarget(request), 'cache-control': 'no-store' } }
  }
  return pages.paths.flatMap(path => [
    { method: 'GET', path, answer: get },
    { method: 'POST', path, answer: post },
  ])
}

/** `a•••@example.com`. */
export function maskEmail(email: string): string {
  return email.replace(/^(.)[^@]*/u, '$1•••')
}

/** `21 Nov 2026, 07:10 UTC`. */
export function showTime(time: string): string {
  const [, day, month, year, minute] = /(\d+) (\w+) (\d+) (\d\d:\d\d)/.exec(new Date(time).toUTCString()) ?? []
  return `${day} ${month} ${year}, ${minute} UTC`
}

function showFound(pages: HostedPages, found: ReturnType<HostedPages['find']>): SandboxResponse {
  return typeof found === 'string' ? showProblem(pages, found) : showHostedSession(pages.provider, found)
}

function showProblem({ provider }: HostedPages, problem: 'FORBIDDEN' | 'UNKNOWN'): SandboxResponse {
  const { intro, ...page } = PROBLEMS[problem]
  return toPage({ ...page, provider, content: html`<p class="lead">${intro}</p>` })
}

const PROBLEMS = {
  FORBIDDEN: {
    status: 403,
    title: 'Access denied',
    intro: 'The token in the link is missing or wrong. Open the link exactly as you received it, or ask for a new one.',
  },
  UNKNOWN: {
    status: 404,
    title: 'Page not found',
    intro: 'The link may be incomplete, or the sandbox was restarted without its data. Ask for a new link.',
  },
}

/** CSRF protection: a form on another site could act with the page's address. */
function isFromThisPage({ headers }: SandboxRequest): boolean {
  return ['same-origin', 'none'].includes(headers['sec-fetch-site'] ?? 'same-origin')
}

function findStep(
  actions: readonly HostedAction[],
  fields: Readonly<Record<string, unknown>>,
): AdvanceStep | undefined {
  const action = actions.find(({ step }) => step.to === fields.to)
  if (!action?.reasons) return action?.step
  const failureCode = action.reasons.codes.find(code => code === fields.failureCode)
  return failureCode === undefined ? undefined : { ...action.step, failureCode }
}

function toRequestTarget({ path, query }: SandboxRequest): string {
  return query.size > 0 ? `${path}?${query}` : path
}
