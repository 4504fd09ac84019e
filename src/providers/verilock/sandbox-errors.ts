import type { SandboxResponse } from '../../sandbox/sandbox.ts'

export const UNAUTHENTICATED = toError(401, 'authentication_error', 'Invalid or missing API key.')
export const NOT_FOUND = toError(404, 'not_found', 'The requested resource was not found.')

export function conflict(message: string): SandboxResponse {
  return toError(409, 'conflict', message)
}

/** `details` holds the messages by field. */
export function invalid(details: Readonly<Record<string, readonly string[]>>): SandboxResponse {
  return toError(422, 'validation_error', 'The given data was invalid.', details)
}

function toError(status: number, error: string, message: string, details: object | null = null): SandboxResponse {
  return { status, json: { error, message, details } }
}
