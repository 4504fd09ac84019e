import type { AskedItem, Choice, HostedSession, Verdict } from './hosted.ts'
import { type Html, html } from './html.ts'
import { toPage } from './page.ts'
import type { Answer } from './sandbox.ts'

const SECONDS_TO_READ = 3

/** The page of a session: what is asked and what can be done about it, or what came of it. */
export function showSession(provider: string, session: HostedSession): Answer {
  const isOpen = session.choices.length > 0
  const back = toWebUrl(session.returnUrl)
  const content = html`${isOpen ? html`<p class="lead">${session.lead}</p>` : undefined}
${session.verdict && showVerdict(session.verdict)}
${back && showWayBack(back, isOpen)}
<h2>${session.asked.heading}</h2>
<ul>${session.asked.items.map(showItem)}</ul>
${isOpen ? html`<h2>What should happen?</h2>${session.choices.map(showChoice)}` : undefined}
<h2>About this session</h2>
<dl>${session.facts.map(showFact)}</dl>`
  const goesOn = back && !isOpen ? { url: back.href, seconds: SECONDS_TO_READ } : undefined
  return toPage({ status: 200, provider, title: session.title, content, goesOn })
}

/** Nothing else than the web is a place to send a browser to. */
function toWebUrl(url: string | null): URL | undefined {
  if (url === null || !URL.canParse(url)) return undefined
  const parsed = new URL(url)
  return /^https?:$/.test(parsed.protocol) ? parsed : undefined
}

function showVerdict({ tone, title, text }: Verdict): Html {
  return html`<section class="verdict ${tone}" role="status"><h2>${SIGNS[tone]} ${title}</h2><p>${text}</p></section>`
}

const SIGNS = { good: '✓', bad: '✕', plain: '•' }

function showWayBack({ href, host }: URL, isOpen: boolean): Html {
  if (isOpen) return html`<p class="note">When this is over, you go back to <a href="${href}">${host}</a>.</p>`
  return html`<p class="onward"><a class="button" href="${href}">Continue to ${host}</a></p>
<p class="note">You are taken there in ${SECONDS_TO_READ} seconds.</p>`
}

function showItem({ name, tag, note }: AskedItem): Html {
  return html`<li><span>${name}</span>${tag === undefined ? undefined : html`<span class="tag">${tag}</span>`}
${note === undefined ? undefined : html`<span class="note">${note}</span>`}</li>`
}

function showFact([name, value]: readonly [string, string]): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`
}

function showChoice({ step, label, note, looks, reasons }: Choice): Html {
  const noteId = `about-${step.to}`
  const button = html`<button class="${looks}" name="to" value="${step.to}" aria-describedby="${noteId}">${label}</button>`
  const about = html`<p class="note" id="${noteId}">${note}</p>`
  if (!reasons) return html`<form method="post">${button}${about}</form>`
  const id = `reason-${step.to}`
  const options = reasons.codes.map(code => html`<option>${code}</option>`)
  return html`<form method="post"><label for="${id}">${reasons.label}</label>
<div class="row"><select id="${id}" name="failureCode">${options}</select>${button}</div>${about}</form>`
}
