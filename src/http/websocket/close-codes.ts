import { CloseCode } from 'graphql-ws'
import type { Caller } from '../../domain/access/caller.ts'
import type { AuthFailure } from '../auth/authenticator.ts'
import type { CloseReason } from '../subscriptions/registry.ts'

/** How the server closes a WebSocket. A reason has at most 123 bytes. */
export interface Closing {
  readonly code: number
  readonly reason: string
}

/** Clients connect again. */
const GOING_AWAY = {
  code: 1001,
  reason: 'The server is shutting down. Connect again and resume after the last cursor.',
}
/** Clients connect again, with a new token. */
const TOKEN_OVER = {
  code: CloseCode.Forbidden,
  reason: 'The client token has expired or was revoked. Connect with a new one.',
}
/** Clients do not connect again. */
const KEY_OVER = {
  code: CloseCode.Unauthorized,
  reason: 'The API key has expired or was revoked. Connect with a valid one.',
}

export const TOO_MANY_CONNECTIONS = {
  code: 1013,
  reason: 'Too many connections of this API key or client token. Close one first.',
}
export const TOO_MANY_MESSAGES = {
  code: 1013,
  reason: 'The budget of this API key or client token is spent. Connect again in a minute, and send less.',
}
/** Clients connect again. */
export const TOO_MUCH_UNREAD = {
  code: 1013,
  reason: 'More than 64 answers, or 256 KiB of them, are unread. Read them before you send more.',
}
export const ID_IN_USE = {
  code: CloseCode.SubscriberAlreadyExists,
  reason: 'Expected an id that no running operation of the connection has.',
}
export const NOT_ACCEPTED = {
  code: CloseCode.Unauthorized,
  reason: 'Expected a short "connection_init" before other messages.',
}
export const INVALID_KEY = {
  code: CloseCode.Forbidden,
  reason: 'Expected a connection_init payload { "authorization": "Bearer <API key>" } with a valid key.',
}

/** Clients connect again. */
const UNAVAILABLE = { code: 1013, reason: 'The key cannot be checked at the moment. Connect again.' }

export function closingOf({ init }: AuthFailure): Closing {
  return init.status === 503 ? UNAVAILABLE : INVALID_KEY
}

export function closingFor(reason: CloseReason, { subject }: Pick<Caller, 'subject'>): Closing {
  if (reason === 'CLOSING') return GOING_AWAY
  return subject ? TOKEN_OVER : KEY_OVER
}
