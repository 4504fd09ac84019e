import { createHash } from 'node:crypto'
import { type Html, html } from './html.ts'
import { STYLE } from './page-style.ts'
import type { Answer } from './sandbox.ts'

export interface Page {
  readonly status: number
  /** Whose page the end user thinks this is. */
  readonly provider: string
  readonly title: string
  readonly content: Html
  /** Where the browser goes by itself, after so many seconds. */
  readonly goesOn?: { readonly url: string; readonly seconds: number }
}

/** A page that works without script and asks nobody for anything. */
export function toPage({ status, provider, title, content, goesOn }: Page): Answer {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${goesOn && html`<meta http-equiv="refresh" content="${goesOn.seconds};url=${goesOn.url}">`}
<title>${title} · ${provider} sandbox</title>
<style>${{ markup: STYLE }}</style>
</head>
<body>
<header>
<span class="mark" aria-hidden="true">${provider.slice(0, 1)}</span>
<span class="provider">${provider}</span>
<span class="tag">Sandbox: nothing here is real</span>
</header>
<main>
<h1>${title}</h1>
${content}
</main>
<footer>A stand-in for the page of ${provider}, served by your own machine. It sends nothing to ${provider}.</footer>
</body>
</html>
`
  return { status, headers: HEADERS, text: page.markup }
}

const styleHash = createHash('sha256').update(STYLE).digest('base64')

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  // The address of a page holds the right to it.
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}
