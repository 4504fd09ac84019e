import { FREE_TEXT } from '../create-subjects.ts'
import { type Behaviour, BROKEN, NO_ANSWER, SUCCEEDED } from './behaviour.ts'
import { json, success } from './responses.ts'

const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n'

export const syntax: readonly Behaviour[] = [
  { name: 'garbage that is no HTTP', answers: () => [`${FREE_TEXT}\r\n\r\n`, 'CLOSE'], becomes: BROKEN },
  { name: 'a TLS alert', answers: () => [Buffer.from([0x15, 3, 1, 0, 2, 2, 70]), 'CLOSE'], becomes: BROKEN },
  { name: 'two answers at once', answers: requests => [success(requests), success(requests)], becomes: SUCCEEDED },
  {
    name: '103 and then the answer',
    answers: requests => ['HTTP/1.1 103 \r\n\r\n', success(requests)],
    becomes: SUCCEEDED,
  },
  // Valid HTTP that undici rejects, so the outcome is unknown.
  {
    name: '100 and then the answer',
    answers: requests => ['HTTP/1.1 100 \r\n\r\n', success(requests)],
    becomes: NO_ANSWER,
  },
  {
    name: '101 to a protocol that was not requested',
    answers: () => ['HTTP/1.1 101 \r\nconnection: upgrade\r\nupgrade: none\r\n\r\n'],
    becomes: NO_ANSWER,
  },
  {
    name: 'a content-length that is too short',
    answers: ({ made }) => [json(200, made, { 'content-length': '20' })],
    becomes: BROKEN,
  },
  {
    name: 'a content-length that is too long',
    answers: ({ made }) => [json(200, made, { 'content-length': '9999' }), 'CLOSE'],
    becomes: NO_ANSWER,
  },
  {
    name: 'a content-length that is no number',
    answers: ({ made }) => [json(200, made, { 'content-length': 'NaN' })],
    becomes: BROKEN,
  },
  {
    name: 'two lengths that contradict each other',
    answers: ({ made }) => [`${CHUNKED}content-length: 3\r\n\r\n${chunked(JSON.stringify(made))}0\r\n\r\n`],
    becomes: BROKEN,
  },
  {
    name: 'chunks',
    answers: ({ made }) => [`${CHUNKED}\r\n`, ...[...JSON.stringify(made)].map(chunked), '0\r\n\r\n'],
    becomes: SUCCEEDED,
  },
  {
    name: 'a chunk of a length that is no number',
    answers: () => [`${CHUNKED}\r\nzz\r\n{}\r\n0\r\n\r\n`],
    becomes: BROKEN,
  },
  {
    name: 'a body that ends with the connection',
    answers: ({ made }) => [`HTTP/1.1 200 OK\r\n\r\n${JSON.stringify(made)}`, 'CLOSE'],
    becomes: SUCCEEDED,
  },
  {
    name: 'a success with the media type of HTML',
    answers: ({ made }) => [json(200, made, { 'content-type': 'text/html' })],
    becomes: SUCCEEDED,
  },
]
