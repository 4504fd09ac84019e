import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Provider } from '../../src/domain/provider.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'
import { SESSION_INPUTS } from '../harness/documents/session-inputs.ts'

/** Strings of callers: their limits, and that they are passed on unchanged. */

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, { jobs: false })
})
afterAll(() => app.close())

type RecordType = 'Session' | 'Applicant' | 'Customer'

async function create(recordType: RecordType, input: object) {
  const { data, errors } = await app.execute(
    `mutation ($input: Create${recordType}Input!) {
      answer: create${recordType}(input: $input) {
        __typename
        ... on InvalidInputError { issues { path message } }
        ... on MutationError { code message }
      }
    }`,
    { input: { idempotencyKey: randomUUID(), ...input } },
  )
  expect(errors).toEqual([])
  return data.answer
}

const PERSONR = { email: 'ann@example.com', phone: '+46 70 000 00 00', flowName: 'KYC basic' }
/** Every e-mail field. */
const EMAILS: Readonly<Record<string, (email: string) => readonly [RecordType, object]>> = {
  'session.verilock.applicantEmail': applicantEmail => [
    'Session',
    { session: { verilock: { ...SESSION_INPUTS.VERILOCK.verilock, applicantEmail } } },
  ],
  'applicant.personr.email': email => ['Applicant', { applicant: { personr: { ...PERSONR, email } } }],
  'customer.yorlet.email': email => ['Customer', { customer: { yorlet: { email } } }],
  'customer.rapidly.email': email => ['Customer', { customer: { rapidly: { email } } }],
}

describe.each(Object.keys(EMAILS))('an e-mail address at %s', place => {
  const build = EMAILS[place] as (typeof EMAILS)[string]

  test.each([
    'info@müller.de',
    'info@xn--mller-kva.de',
    'Ann.Smith+tag@Sub.Example.COM',
    "o'neil_{x}~!#$%&*/=?^`|@example.co.uk",
    'jörg@example.com',
    '用户@例子.中国',
    'a@b.co',
    `${'a'.repeat(64)}@example.com`,
    `${'a'.repeat(64)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(57)}.com`,
  ])('is accepted, and sent unchanged: %s', async email => {
    const provider = (place.split('.')[1] ?? '').toUpperCase() as Provider
    await app.sandbox(provider).forget()
    const [recordType, input] = build(email)
    expect(await create(recordType, input)).toMatchObject({ __typename: `Create${recordType}Payload` })
    const sent = (await app.sandbox(provider).requests()).map(({ body }) => body).join()
    expect(sent).toContain(provider === 'PERSONR' ? email : JSON.stringify(email))
  })

  test.each([
    '',
    'nobody',
    '@example.com',
    'ann@',
    'ann@localhost',
    'ann@@example.com',
    'ann smith@example.com',
    ' ann@example.com',
    'ann@example.com ',
    'ann@example.com\n',
    'ann\u0007@example.com',
    'ann@exam\tple.com',
    '.ann@example.com',
    'ann.@example.com',
    'ann..smith@example.com',
    '"ann smith"@example.com',
    'ann@-example.com',
    'ann@example-.com',
    'ann@example..com',
    'ann@.example.com',
    'ann@example.com.',
    'ann@127.0.0.1',
    'ann@[127.0.0.1]',
    'ann@example.123',
    'ann@exa_mple.com',
    'ann@example.com/evil',
    'ann@ex%61mple.com',
    'Ann <ann@example.com>',
    'ann@example.com,bob@example.com',
    `${'a'.repeat(65)}@example.com`,
    `${'a'.repeat(300)}@example.com`,
    `${'ä'.repeat(33)}@example.com`,
    `${'a'.repeat(64)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(58)}.com`,
    `a@${'b'.repeat(64)}.com`,
  ])('is refused with its path, and nothing is sent: %s', async email => {
    const [recordType, input] = build(email)
    const refused = await create(recordType, input)
    expect(refused.__typename).toBe('InvalidInputError')
    expect(refused.issues.map((issue: { path: string[] }) => issue.path.join('.'))).toEqual([`input.${place}`])
    expect(JSON.stringify(refused.issues)).not.toContain('example')
  })
})

/** Fields of one line, with the other required fields. */
const TEXTS: Readonly<Record<string, (text: string) => readonly [RecordType, object]>> = {
  idempotencyKey: idempotencyKey => ['Session', { idempotencyKey, session: SESSION_INPUTS.YORLET }],
  externalId: externalId => ['Session', { externalId, session: SESSION_INPUTS.YORLET }],
  'session.verilock.applicantName': applicantName => [
    'Session',
    { session: { verilock: { ...SESSION_INPUTS.VERILOCK.verilock, applicantName } } },
  ],
  'session.rapidly.externalMemberId': externalMemberId => [
    'Session',
    { session: { rapidly: { ...SESSION_INPUTS.RAPIDLY.rapidly, externalMemberId } } },
  ],
  'session.rapidly.customer.customerExternalId': customerExternalId => [
    'Session',
    { session: { rapidly: { customer: { customerExternalId } } } },
  ],
  'session.personr.applicant.applicantProviderId': applicantProviderId => [
    'Session',
    { session: { personr: { applicant: { applicantProviderId } } } },
  ],
  'applicant.personr.flowName': flowName => ['Applicant', { applicant: { personr: { ...PERSONR, flowName } } }],
  'applicant.personr.firstName': firstName => ['Applicant', { applicant: { personr: { ...PERSONR, firstName } } }],
  'applicant.personr.sourceKey': sourceKey => ['Applicant', { applicant: { personr: { ...PERSONR, sourceKey } } }],
  'applicant.personr.externalUserIds.0': id => [
    'Applicant',
    { applicant: { personr: { ...PERSONR, externalUserIds: [id] } } },
  ],
  'applicant.personr.phone': phone => ['Applicant', { applicant: { personr: { ...PERSONR, phone } } }],
  'customer.yorlet.name': name => ['Customer', { customer: { yorlet: { email: 'a@example.com', name } } }],
  'customer.yorlet.phone': phone => ['Customer', { customer: { yorlet: { email: 'a@example.com', phone } } }],
  'customer.rapidly.name': name => ['Customer', { customer: { rapidly: { email: 'a@example.com', name } } }],
}

describe.each(Object.keys(TEXTS))('a text at %s', place => {
  const build = TEXTS[place] as (typeof TEXTS)[string]

  test.each([
    ['a control character', 'a\u0007b'],
    ['a line break', 'a\nb'],
    ['a tab', 'a\tb'],
    ['a C1 control character', 'a\u0085b'],
    ['a line separator', 'a\u2028b'],
    ['white space before it', ' 1'],
    ['white space behind it', '1\u00a0'],
    ['nothing but white space', '   '],
    ['a hundred thousand characters', '1'.repeat(100_000)],
  ])('is refused with %s', async (_what, text) => {
    const [recordType, input] = build(text)
    const refused = await create(recordType, input)
    expect(refused.__typename).toBe('InvalidInputError')
    expect(refused.issues.map((issue: { path: string[] }) => issue.path.join('.'))).toEqual([`input.${place}`])
    expect(JSON.stringify(refused).length).toBeLessThan(500)
  })
})

test('length is counted in code points: 255 of two units each are as many as 255 letters', async () => {
  for (const character of ['a', 'ä', '🏃', '👩‍🚀'.slice(0, 2)]) {
    const named = (applicantName: string) => ({
      session: { verilock: { ...SESSION_INPUTS.VERILOCK.verilock, applicantName } },
    })
    expect(await create('Session', named(character.repeat(255)))).toMatchObject({ __typename: 'CreateSessionPayload' })
    expect(await create('Session', named(character.repeat(256)))).toMatchObject({ __typename: 'InvalidInputError' })
  }
})

test('an external id that looks like our marker is refused', async () => {
  const personr = { ...PERSONR, externalUserIds: ['mine', 'sg_mine'] }
  expect(await create('Applicant', { applicant: { personr } })).toMatchObject({
    issues: [{ path: ['input', 'applicant', 'personr', 'externalUserIds', '1'] }],
  })
})

test('an id has one spelling: another text that decodes to it is NOT_FOUND', async () => {
  const { data } = await app.execute(
    `mutation ($input: CreateSessionInput!) { createSession(input: $input) { ... on CreateSessionPayload { session { id } } } }`,
    { input: { idempotencyKey: randomUUID(), session: SESSION_INPUTS.YORLET } },
  )
  const { id } = data.createSession.session
  const node = async (spelled: string) =>
    (await app.execute('query ($id: ID!) { node(id: $id) { id } }', { id: spelled })).data.node
  expect(await node(id)).toEqual({ id })
  for (const other of [`${id}=`, `${id} `, `${id}\n`, `-${id}`, `${id}A`]) expect(await node(other)).toBeNull()
})

test('a time may have any offset, and is within the years 1900 to 9999', async () => {
  const count = async (createdAfter: string) =>
    await app.execute('query ($t: DateTime) { sessions(filter: { createdAfter: $t }) { totalCount } }', {
      t: createdAfter,
    })
  const known = (await count('1900-01-01T00:00:00Z')).data.sessions.totalCount
  expect(known).toBeGreaterThan(0)
  for (const fine of ['1970-01-01T02:00:00+02:00', '2000-02-29T23:59:59.999999999Z']) {
    expect((await count(fine)).data.sessions.totalCount).toBe(known)
  }
  for (const bad of [
    '0001-01-01T00:00:00Z',
    '1899-12-31T23:59:59.999Z',
    '2001-02-29T00:00:00Z',
    '2026-01-01',
    '+012026-01-01T00:00:00Z',
    'now',
    '',
  ]) {
    expect((await count(bad)).errors[0]?.extensions.code).toBe('BAD_REQUEST')
  }
})

/** The filter fields with a list, each with a value. */
const CHOICES = [
  ['sessions', 'providers', 'KAYLE'],
  ['sessions', 'statuses', 'CREATED'],
  ['sessions', 'outcomes', 'PENDING'],
  ['applicants', 'providers', 'PERSONR'],
  ['applicants', 'statuses', 'CREATED'],
  ['applicants', 'outcomes', 'PENDING'],
  ['customers', 'providers', 'RAPIDLY'],
] as const

test('an empty list of choices matches nothing, and too many are refused', async () => {
  for (const [list, condition, value] of CHOICES) {
    const type = `${list[0]?.toUpperCase()}${list.slice(1, -1)}Filter`
    const query = `query ($filter: ${type}) { ${list}(filter: $filter) { totalCount nodes { id } } }`
    expect((await app.execute(query, {})).data[list].totalCount, list).toBeGreaterThan(0)
    const none = await app.execute(query, { filter: { [condition]: [] } })
    expect(none, `${list} ${condition}`).toMatchObject({ data: { [list]: { totalCount: 0, nodes: [] } }, errors: [] })
    const many = await app.execute(query, { filter: { [condition]: Array(21).fill(value) } })
    expect(many.errors[0]?.extensions, `${list} ${condition}`).toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: ['filter', condition], message: 'Expected at most 20 values.' }],
    })
  }
})
