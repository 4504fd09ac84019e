import type { Answer } from '../../sandbox/sandbox.ts'

/** Kayle's five error bodies. */

const DOCS = 'https://kayle.id/docs/api/sessions'

export interface Reason {
  readonly code: string
  readonly message: string
  readonly hint: string
}

/** From a handler: everything said, with the page of the docs. */
export function refuse(status: number, reason: Reason, anchor: string, beside: object = {}): Answer {
  return { status, json: { data: null, error: { ...reason, docs: `${DOCS}${anchor}` }, ...beside } }
}

/** From what stands before the handlers. */
export function refuseEarly(status: number, code: string, message: string): Answer {
  return { status, json: { error: { code, message } } }
}

/** From a schema: its issues as text. */
export function refuseShape(error: { readonly message: string }): Answer {
  return { status: 400, json: { success: false, error: { name: 'ZodError', message: error.message } } }
}

export const refuseSyntax: Answer = {
  status: 400,
  headers: { 'content-type': 'text/plain;charset=UTF-8' },
  text: 'Malformed JSON in request body',
}

export const refusePath: Answer = { status: 404, text: '404 Not Found' }

/** From the routes that the end user's browser calls. */
export function refusePublicly(status: number, code: string, message: string): Answer {
  return { status, json: { data: null, error: { code, message } } }
}
