import { expect } from 'vitest'
import { FREE_TEXT } from '../create-subjects.ts'
import { type Headers, HTML, http, json } from './answers.ts'
import { type Asked, type Behaviour, BROKEN, failed, NO_ANSWER, REJECTED, SUCCEEDED, unknown } from './behaviour.ts'

const inAMinute = () => new Date(Date.now() + 60_000).toUTCString()

export const statuses: readonly Behaviour[] = [
  { name: '201', answers: ({ made }) => [json(201, made)], becomes: SUCCEEDED },
  { name: '202 with nothing', answers: () => [http(202, '')], becomes: BROKEN },
  { name: '204', answers: () => [`HTTP/1.1 204 ${FREE_TEXT}\r\n\r\n`], becomes: BROKEN },
  ...[400, 402, 404, 405, 410, 413, 415, 418, 422, 451].map(status => refusal(status, REJECTED)),
  ...[401, 403].map(status => refusal(status, failed('PROVIDER_AUTH_FAILED'))),
  // Where an Idempotency-Key was sent, a conflict may mean that the first request with it is being carried out.
  refusal(409, subject => (subject.keyed ? unknown('PROVIDER_REJECTED') : REJECTED)),
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
  },
  {
    name: '422 with a body that cannot be decoded',
    answers: () => [http(422, FREE_TEXT, { 'content-encoding': 'gzip' })],
    becomes: REJECTED,
  },
  ...[300, 301, 302, 303, 307, 308].map(status => ({
    name: `${status} to another host`,
    answers: ({ subject, made, elsewhere }: Asked) => [json(status, made, { location: elsewhere + subject.path })],
    becomes: failed('PROVIDER_CONTRACT_BROKEN'),
  })),
]

function toFreeText(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? FREE_TEXT : value
}

function refusal(status: number, becomes: Behaviour['becomes'], headers: Headers = {}): Behaviour {
  const name = [status, ...Object.entries(headers).map(([key, value]) => `${key}: ${value}`)].join(' with ')
  return { name, becomes, answers: ({ subject }) => [json(status, subject.refusal(status), headers)] }
}
