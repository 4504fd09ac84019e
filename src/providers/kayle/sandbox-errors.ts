import type { SandboxResponse } from '../../sandbox/sandbox.ts'

/** Kayle's five error bodies. */

const DOCS = 'https://kayle.id/docs/api/sessions'

export interface Reason {
  readonly code: string
  readonly message: string
  readonly hint: string
}

/** From a handler: complete, with a link to the documentation. */
export function refuse(status: number, reason: Reason, anchor: string, beside: object = {}): SandboxResponse {
  return { status, json: { data: null, error: { ...reason, docs: `${DOCS}${anchor}` }, ...beside } }
}

/** From a check before the handlers. */
export function refuseEarly(status: number, code: string, message: string): SandboxResponse {
  return { status, json: { error: { code, message } } }
}

/** From a schema: its issues as text. */
export function refuseShape(error: { readonly message: string }): SandboxResponse {
  return { status: 400, json: { success: false, error: { name: 'ZodError', message: error.message } } }
}

export const refuseSyntax: SandboxResponse = {
  status: 400,
  headers: { 'content-type': 'text/plain;charset=UTF-8' },
  text: 'Malformed JSON in request body',
}

export const refusePath: SandboxResponse = { status: 404, text: '404 Not Found' }

/** From the routes for the end user's browser. */
export function refusePublicly(status: number, code: string, message: string): SandboxResponse {
  return { status, json: { data: null, error: { code, message } } }
}
