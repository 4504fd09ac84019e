import { showSession } from './hosted-view.ts'
import { html } from './html.ts'
import { toPage } from './page.ts'
import {
  type AdvanceStep,
  type Answer,
  type Route,
  readFields,
  type SandboxParts,
  type SandboxRequest,
} from './sandbox.ts'

/** The pages that a provider's end users open, below the sandbox's origin. */
export interface HostedPages {
  /** Its name as its end users know it. */
  readonly provider: string
  /** Such as `/hosted/:id`. */
  readonly paths: readonly string[]
  /** What the page of this address shows, or why there is none. */
  find(request: SandboxRequest): HostedSession | 'FORBIDDEN' | 'UNKNOWN'
}

export interface HostedSession {
  readonly title: string
  readonly lead: string
  /** What the provider asks of the end user. */
  readonly asked: { readonly heading: string; readonly items: readonly AskedItem[] }
  readonly facts: readonly (readonly [name: string, value: string])[]
  /** What came of it; of the last try, while there are choices. */
  readonly verdict?: Verdict
  /** None at the end. */
  readonly choices: readonly Choice[]
  /** Where the end user goes back to, as the caller gave it. */
  readonly returnUrl: string | null
}

export interface AskedItem {
  readonly name: string
  readonly tag?: string
  readonly note?: string
}

export interface Verdict {
  readonly tone: 'good' | 'bad' | 'plain'
  readonly title: string
  readonly text: string
}

/** A step that the end user can make happen. */
export interface Choice {
  readonly step: AdvanceStep
  readonly label: string
  readonly note: string
  readonly looks: 'main' | 'danger' | 'quiet'
  /** One of them goes along as the step's failureCode. */
  readonly reasons?: { readonly label: string; readonly codes: readonly string[] }
}

/** The pages take the same steps as `/_sandbox/advance`, and only those that they offer at that moment. */
export function hostedRoutes({ advance, pages }: SandboxParts): Route[] {
  if (!pages) return []
  const get = (request: SandboxRequest) => showFound(pages, pages.find(request))
  const post = async (request: SandboxRequest): Promise<Answer> => {
    const found = pages.find(request)
    if (typeof found === 'string') return showFound(pages, found)
    if (!isFromThisPage(request)) return showProblem(pages, 'FORBIDDEN')
    const step = chosen(found.choices, (await readFields(request)) ?? {})
    if (step) advance(step)
    return { status: 303, headers: { location: here(request), 'cache-control': 'no-store' } }
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

function showFound(pages: HostedPages, found: ReturnType<HostedPages['find']>): Answer {
  return typeof found === 'string' ? showProblem(pages, found) : showSession(pages.provider, found)
}

function showProblem({ provider }: HostedPages, problem: 'FORBIDDEN' | 'UNKNOWN'): Answer {
  const { lead, ...page } = PROBLEMS[problem]
  return toPage({ ...page, provider, content: html`<p class="lead">${lead}</p>` })
}

const PROBLEMS = {
  FORBIDDEN: {
    status: 403,
    title: 'This link does not open this page',
    lead: 'Its token is missing or wrong. Open the link exactly as it was given to you, or ask for a new one.',
  },
  UNKNOWN: {
    status: 404,
    title: 'There is nothing at this address',
    lead: 'The link may have been cut off, or the sandbox was started anew and has forgotten it. Ask for a new one.',
  },
}

/** Another site's form would act in the name of whoever has this page's address in the browser. */
function isFromThisPage({ headers }: SandboxRequest): boolean {
  return ['same-origin', 'none'].includes(headers['sec-fetch-site'] ?? 'same-origin')
}

function chosen(choices: readonly Choice[], fields: Readonly<Record<string, unknown>>): AdvanceStep | undefined {
  const choice = choices.find(({ step }) => step.to === fields.to)
  if (!choice?.reasons) return choice?.step
  const failureCode = choice.reasons.codes.find(code => code === fields.failureCode)
  return failureCode === undefined ? undefined : { ...choice.step, failureCode }
}

function here({ path, query }: SandboxRequest): string {
  return query.size > 0 ? `${path}?${query}` : path
}
