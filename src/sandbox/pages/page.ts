import { createHash } from 'node:crypto'
import type { SandboxResponse } from '../sandbox.ts'
import { type Html, html } from './html.ts'
import { STYLE } from './page-style.ts'

export interface HtmlPage {
  readonly status: number
  /** The provider's name in the page header. */
  readonly provider: string
  readonly title: string
  readonly content: Html
  /** The target and delay in seconds of an automatic redirect. */
  readonly redirect?: { readonly url: string; readonly seconds: number }
}

/** A page without scripts and external resources. */
export function toPage({ status, provider, title, content, redirect }: HtmlPage): SandboxResponse {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${redirect && html`<meta http-equiv="refresh" content="${redirect.seconds};url=${redirect.url}">`}
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
  // The URL of the page is a secret.
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}
