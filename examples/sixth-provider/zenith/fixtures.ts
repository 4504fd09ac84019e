import type { Fixture } from '../../sandbox/fixture.ts'

/** The exchanges of Zenith's documentation. */

const ID = 'chk_a1b2c3d4e5f6'
const OPENED = 1_763_720_000
const CHECK = {
  check_id: ID,
  status: 'waiting',
  level: 'full',
  person_ref: 'usr_1337',
  opened: OPENED,
  closes: 1_763_723_600,
}
const LINK = 'https://go.zenith.example/chk_a1b2c3d4e5f6'
const headers = { 'x-zenith-key': 'zenith_test_sandbox' }
const input = { level: 'full', redirectUrl: 'https://app.example.com/done' }
const createRequest = {
  method: 'POST',
  path: '/v2/checks',
  headers,
  json: { level: 'full', return_to: 'https://app.example.com/done', person_ref: 'usr_1337', our_ref: 'reference_1' },
} as const
const readRequest = { method: 'GET', path: `/v2/checks/${ID}`, headers } as const
const get = { method: 'getSession', argument: { providerId: ID } } as const

export const fixtures: readonly Fixture[] = [
  {
    name: 'A create returns a link.',
    evidence: 'docs Z/checks/create',
    call: { method: 'createSession', argument: input, call: { externalId: 'usr_1337' } },
    exchanges: [{ request: createRequest, response: { status: 201, body: { ...CHECK, link: LINK } } }],
    result: {
      value: {
        providerId: ID,
        status: 'CREATED',
        outcome: 'PENDING',
        externalId: 'usr_1337',
        createdAt: new Date(OPENED * 1000),
        access: { hostedUrl: LINK },
        details: { level: 'full' },
      },
    },
  },
  {
    name: 'An unknown level is rejected with its field.',
    evidence: 'docs Z/faults',
    call: { method: 'createSession', argument: input, call: { externalId: 'usr_1337' } },
    exchanges: [
      { request: createRequest, response: { status: 422, body: { fault: { code: 'bad_field', field: 'level' } } } },
    ],
    result: { error: { code: 'PROVIDER_REJECTED', providerCode: 'bad_field', outcome: 'REFUSED' } },
  },
  {
    name: 'A waiting check is read without a link.',
    evidence: 'docs Z/checks/read',
    call: get,
    exchanges: [{ request: readRequest, response: { status: 200, body: CHECK } }],
    result: { value: { providerId: ID, status: 'CREATED', providerStatus: 'waiting' } },
  },
  {
    name: 'A passed check is approved.',
    evidence: 'docs Z/checks/read',
    call: get,
    exchanges: [
      { request: readRequest, response: { status: 200, body: { ...CHECK, status: 'finished', verdict: 'pass' } } },
    ],
    result: { value: { status: 'COMPLETED', outcome: 'APPROVED', providerStatus: 'finished' } },
  },
  {
    name: 'A verdict before the end is preliminary, and no decision.',
    evidence: 'docs Z/checks/read',
    call: get,
    exchanges: [
      { request: readRequest, response: { status: 200, body: { ...CHECK, status: 'started', verdict: 'fail' } } },
    ],
    result: { value: { status: 'IN_PROGRESS', outcome: 'PENDING' } },
  },
  {
    name: 'Checks are listed with the cursor of the next page.',
    evidence: 'docs Z/checks/list',
    call: { method: 'listSessions', argument: { limit: 1 } },
    exchanges: [
      {
        request: { method: 'GET', path: '/v2/checks?limit=1', headers },
        response: { status: 200, body: { checks: [CHECK], next: ID } },
      },
    ],
    result: { value: { items: [{ providerId: ID }], nextCursor: ID } },
  },
]
