import { expect } from 'vitest'
import { FREE_TEXT } from '../create-subjects.ts'
import {
  type Behaviour,
  BROKEN,
  failed,
  NO_ANSWER,
  REJECTED,
  type RequestedOperation,
  SUCCEEDED,
  unknown,
} from './behaviour.ts'
import { type Headers, HTML, http, json } from './responses.ts'

const inAMinute = () => new Date(Date.now() + 60_000).toUTCString()

export const statuses: readonly Behaviour[] = [
  { name: '201', answers: ({ made }) => [json(201, made)], becomes: SUCCEEDED },
  { name: '202 with nothing', answers: () => [http(202, '')], becomes: BROKEN },
  { name: '204', answers: () => [`HTTP/1.1 204 ${FREE_TEXT}\r\n\r\n`], becomes: BROKEN },
  { name: '206 with the complete success', answers: ({ made }) => [json(206, made)], becomes: SUCCEEDED },
  {
    name: '206 with a part of the success',
    answers: ({ made }) => [http(206, JSON.stringify(made).slice(0, 9), { 'content-range': 'bytes 0-8/99' })],
    becomes: BROKEN,
  },
  {
    name: '103 before the success',
    answers: ({ made }) => ['HTTP/1.1 103 Early Hints\r\n\r\n', json(201, made)],
    becomes: SUCCEEDED,
  },
  // The request has no `Expect` header, so the client stops reading.
  {
    name: '100 before the success',
    answers: ({ made }) => ['HTTP/1.1 100 Continue\r\n\r\n', json(201, made)],
    becomes: NO_ANSWER,
  },
  ...[400, 402, 404, 405, 410, 411, 412, 413, 414, 415, 417, 418, 421, 422, 423, 424, 426, 428, 431, 451].map(status =>
    refusal(status, REJECTED),
  ),
  ...[401, 403].map(status => refusal(status, failed('PROVIDER_AUTH_FAILED'))),
  // With an Idempotency-Key, a conflict may mean that the first request is still running.
  refusal(409, subject => (subject.keyed ? unknown('PROVIDER_REJECTED') : REJECTED)),
  // A proxy may have forwarded the request, or rejected only the response.
  ...[406, 419, 444, 460, 499].map(status => refusal(status, unknown('PROVIDER_REJECTED'))),
  ...[408, 425, 500, 501, 502, 503, 504, 599, 799].map(status => refusal(status, NO_ANSWER)),
  refusal(429, failed('PROVIDER_RATE_LIMITED')),
  refusal(429, failed('PROVIDER_RATE_LIMITED', 17), { 'retry-after': '17' }),
  refusal(429, failed('PROVIDER_RATE_LIMITED'), { 'retry-after': 'soon' }),
  refusal(429, failed('PROVIDER_RATE_LIMITED', expect.any(Number)), {
    'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT',
  }),
  {
    name: '429 with a date to try again at',
    answers: ({ subject }) => [json(429, subject.refusal(429), { 'retry-after': inAMinute() })],
    becomes: failed('PROVIDER_RATE_LIMITED', expect.closeTo(60, -1)),
  },
  refusal(503, NO_ANSWER, { 'retry-after': '17' }),
  { name: '502 with HTML', answers: () => [http(502, HTML)], becomes: NO_ANSWER },
  { name: '403 with HTML', answers: () => [http(403, HTML)], becomes: failed('PROVIDER_AUTH_FAILED') },
  { name: '422 with nothing', answers: () => [http(422, '')], becomes: REJECTED },
  { name: '422 with a list', answers: () => [http(422, '[]')], becomes: REJECTED },
  {
    name: '422 with free text wherever the error envelope has one',
    answers: ({ subject }) => [http(422, JSON.stringify(subject.refusal(422), toFreeText))],
    becomes: REJECTED,
  },
  {
    name: '422 and silence after the headers',
    answers: () => [http(422, '', { 'content-length': '99' })],
    becomes: REJECTED,
    lastsToDeadline: true,
  },
  {
    name: '422 with a body that cannot be decoded',
    answers: () => [http(422, FREE_TEXT, { 'content-encoding': 'gzip' })],
    becomes: REJECTED,
  },
  { name: '304', answers: () => ['HTTP/1.1 304 Not Modified\r\n\r\n'], becomes: BROKEN },
  { name: '303 with nothing', answers: () => [http(303, '')], becomes: BROKEN },
  ...[300, 301, 302, 303, 307, 308].map(status => ({
    name: `${status} to another host`,
    answers: ({ subject, made, elsewhere }: RequestedOperation) => [
      json(status, made, { location: elsewhere + subject.path }),
    ],
    becomes: BROKEN,
  })),
]

function toFreeText(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? FREE_TEXT : value
}

function refusal(status: number, becomes: Behaviour['becomes'], headers: Headers = {}): Behaviour {
  const name = [status, ...Object.entries(headers).map(([key, value]) => `${key}: ${value}`)].join(' with ')
  return { name, becomes, answers: ({ subject }) => [json(status, subject.refusal(status), headers)] }
}
