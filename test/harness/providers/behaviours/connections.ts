import { openBlackHole, openClosedPort } from '../unreachable.ts'
import { type Behaviour, NO_ANSWER, SUCCEEDED, UNHEARD, UNREACHABLE } from './behaviour.ts'
import { http, inPieces, success } from './responses.ts'

/** Pauses relative to the deadline of a create, which is 2,000 ms in these tests. */
const LONG_MS = 60
const SHORT_MS = 15

export const unreached: readonly Behaviour[] = [
  { name: 'a connection that is refused', at: openClosedPort, becomes: UNREACHABLE },
  { name: 'a host without an address', at: () => ({ origin: 'http://nothing.invalid' }), becomes: UNREACHABLE },
  { name: 'a host that never accepts a connection', at: openBlackHole, becomes: UNREACHABLE, lastsToDeadline: true },
  {
    name: 'a TLS handshake that fails',
    at: ({ origin }) => ({ origin: origin.replace('http:', 'https:') }),
    onHead: ['CLOSE'],
    onConnection: ['HTTP/1.1 400 Bad Request\r\n\r\n', 'CLOSE'],
    becomes: UNREACHABLE,
  },
]

export const broken: readonly Behaviour[] = [
  { name: 'a reset before anything was read', onConnection: [{ pauseMs: LONG_MS }, 'RESET'], becomes: UNHEARD },
  { name: 'a reset before the body was read', onHead: ['RESET'], becomes: UNHEARD },
  { name: 'a close before the body was read', onHead: ['CLOSE'], becomes: UNHEARD },
  { name: 'a reset after the body was read', answers: () => ['RESET'], becomes: NO_ANSWER },
  { name: 'a close after the body was read', answers: () => ['CLOSE'], becomes: NO_ANSWER },
  {
    name: 'a reset amid the answer',
    answers: requests => [success(requests).subarray(0, -9), 'RESET'],
    becomes: NO_ANSWER,
  },
  {
    name: 'a close amid the answer',
    answers: requests => [success(requests).subarray(0, -9), 'CLOSE'],
    becomes: NO_ANSWER,
  },
]

const pastDeadline: readonly Behaviour[] = [
  { name: 'silence before anything was read', onConnection: [], becomes: UNHEARD },
  { name: 'silence before the headers', answers: () => [], becomes: NO_ANSWER },
  { name: 'silence amid the headers', answers: requests => [success(requests).subarray(0, 30)], becomes: NO_ANSWER },
  { name: 'silence after the headers', answers: () => [http(200, '', { 'content-length': '99' })], becomes: NO_ANSWER },
  {
    name: 'silence before the last byte',
    answers: requests => [success(requests).subarray(0, -1)],
    becomes: NO_ANSWER,
  },
  {
    name: 'a drip past the deadline',
    answers: requests => inPieces(success(requests), 40, LONG_MS),
    becomes: NO_ANSWER,
  },
]

export const silent: readonly Behaviour[] = pastDeadline.map(each => ({ ...each, lastsToDeadline: true }))

export const slow: readonly Behaviour[] = [
  {
    name: 'a drip within the deadline',
    answers: requests => inPieces(success(requests), 6, SHORT_MS),
    becomes: SUCCEEDED,
  },
]
