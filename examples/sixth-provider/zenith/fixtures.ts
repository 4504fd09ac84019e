import type { Fixture } from '../../sandbox/fixture.ts'

/** The exchanges of Zenith's own pages. */

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
const creates = {
  method: 'POST',
  path: '/v2/checks',
  headers,
  json: { level: 'full', return_to: 'https://app.example.com/done', person_ref: 'usr_1337', our_ref: 'reference_1' },
} as const
const reads = { method: 'GET', path: `/v2/checks/${ID}`, headers } as const
const get = { method: 'getSession', argument: { providerId: ID } } as const

export const fixtures: readonly Fixture[] = [
  {
    name: 'A create is answered with a link.',
    evidence: 'docs Z/checks/create',
    call: { method: 'createSession', argument: input, call: { externalId: 'usr_1337' } },
    exchanges: [{ sends: creates, answers: { status: 201, body: { ...CHECK, link: LINK } } }],
    means: {
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
    name: 'A level that there is not is refused by its field.',
    evidence: 'docs Z/faults',
    call: { method: 'createSession', argument: input, call: { externalId: 'usr_1337' } },
    exchanges: [{ sends: creates, answers: { status: 422, body: { fault: { code: 'bad_field', field: 'level' } } } }],
    means: { error: { code: 'PROVIDER_REJECTED', providerCode: 'bad_field', outcome: 'REFUSED' } },
  },
  {
    name: 'A check that waits is read without a link.',
    evidence: 'docs Z/checks/read',
    call: get,
    exchanges: [{ sends: reads, answers: { status: 200, body: CHECK } }],
    means: { value: { providerId: ID, status: 'CREATED', providerStatus: 'waiting' } },
  },
  {
    name: 'A check that passed is approved.',
    evidence: 'docs Z/checks/read',
    call: get,
    exchanges: [{ sends: reads, answers: { status: 200, body: { ...CHECK, status: 'finished', verdict: 'pass' } } }],
    means: { value: { status: 'COMPLETED', outcome: 'APPROVED', providerStatus: 'finished' } },
  },
  {
    name: 'A verdict before the end is a guess, and decides nothing.',
    evidence: 'docs Z/checks/read',
    call: get,
    exchanges: [{ sends: reads, answers: { status: 200, body: { ...CHECK, status: 'started', verdict: 'fail' } } }],
    means: { value: { status: 'IN_PROGRESS', outcome: 'PENDING' } },
  },
  {
    name: 'Checks are listed, with where the next page begins.',
    evidence: 'docs Z/checks/list',
    call: { method: 'listSessions', argument: { limit: 1 } },
    exchanges: [
      {
        sends: { method: 'GET', path: '/v2/checks?limit=1', headers },
        answers: { status: 200, body: { checks: [CHECK], next: ID } },
      },
    ],
    means: { value: { items: [{ providerId: ID }], nextCursor: ID } },
  },
]
