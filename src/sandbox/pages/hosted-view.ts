import type { HostedAction, HostedResult, HostedSession, RequestedItem, SandboxResponse } from '../sandbox.ts'
import { type Html, html } from './html.ts'
import { toPage } from './page.ts'

const SECONDS_TO_READ = 3

/** The page of a session: the requested data with the actions, or the result. */
export function showHostedSession(provider: string, session: HostedSession): SandboxResponse {
  const isOpen = session.actions.length > 0
  const back = toWebUrl(session.returnUrl)
  const content = html`${isOpen ? html`<p class="lead">${session.intro}</p>` : undefined}
${session.result && showResult(session.result)}
${back && showReturnLink(back, isOpen)}
<h2>${session.requested.heading}</h2>
<ul>${session.requested.items.map(showItem)}</ul>
${isOpen ? html`<h2>What should happen?</h2>${session.actions.map(showAction)}` : undefined}
<h2>About this session</h2>
<dl>${session.facts.map(showFact)}</dl>`
  const redirect = back && !isOpen ? { url: back.href, seconds: SECONDS_TO_READ } : undefined
  return toPage({ status: 200, provider, title: session.title, content, redirect })
}

/** Only http(s) URLs are safe to redirect to. */
function toWebUrl(url: string | null): URL | undefined {
  if (url === null || !URL.canParse(url)) return undefined
  const parsed = new URL(url)
  return /^https?:$/.test(parsed.protocol) ? parsed : undefined
}

function showResult({ tone, title, text }: HostedResult): Html {
  return html`<section class="result ${tone}" role="status"><h2>${SIGNS[tone]} ${title}</h2><p>${text}</p></section>`
}

const SIGNS = { good: '✓', bad: '✕', plain: '•' }

function showReturnLink({ href, host }: URL, isOpen: boolean): Html {
  if (isOpen) return html`<p class="note">Afterwards you return to  <a href="${href}">${host}</a>.</p>`
  return html`<p class="onward"><a class="button" href="${href}">Continue to ${host}</a></p>
<p class="note">You are taken there in ${SECONDS_TO_READ} seconds.</p>`
}

function showItem({ name, tag, note }: RequestedItem): Html {
  return html`<li><span>${name}</span>${tag === undefined ? undefined : html`<span class="tag">${tag}</span>`}
${note === undefined ? undefined : html`<span class="note">${note}</span>`}</li>`
}

function showFact([name, value]: readonly [string, string]): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`
}

function showAction({ step, label, note, variant, reasons }: HostedAction): Html {
  const noteId = `about-${step.to}`
  const button = html`<button class="${variant}" name="to" value="${step.to}" aria-describedby="${noteId}">${label}</button>`
  const about = html`<p class="note" id="${noteId}">${note}</p>`
  if (!reasons) return html`<form method="post">${button}${about}</form>`
  const id = `reason-${step.to}`
  const options = reasons.codes.map(code => html`<option>${code}</option>`)
  return html`<form method="post"><label for="${id}">${reasons.label}</label>
<div class="row"><select id="${id}" name="failureCode">${options}</select>${button}</div>${about}</form>`
}
