import type { SandboxResponse } from '../../sandbox/sandbox.ts'

/** Yorlet's error body. `invalid_request` is the only type in its documentation. */
export function refuse(status: number, message: string, param?: string): SandboxResponse {
  return { status, json: { error: { message, param, type: 'invalid_request' }, status } }
}
