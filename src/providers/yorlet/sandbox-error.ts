import type { Answer } from '../../sandbox/sandbox.ts'

/** Yorlet's error body. `invalid_request` is the only type that its documentation shows. */
export function refuse(status: number, message: string, param?: string): Answer {
  return { status, json: { error: { message, param, type: 'invalid_request' }, status } }
}
