import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sandbox } from '../../src/providers/kayle/sandbox.ts'
import { startApp, type TestApp } from '../harness/app/test-app.ts'

/**
 * Kayle's own rules: our input refuses what Kayle's server refuses, and accepts what it accepts. `SEED` sets other
 * inputs.
 */

const SEED = Number(process.env.SEED ?? 20_261_129)

let app: TestApp

beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

interface Field {
  readonly key: string
  readonly required: boolean
  readonly reason: string
}

const CREATE = /* GraphQL */ `
  mutation ($key: String!, $kayle: KayleSessionInput!) {
    createSession(input: { idempotencyKey: $key, session: { kayle: $kayle } }) {
      __typename
      ... on InvalidInputError { issues { path } }
    }
  }
`

let keys = 0

async function byUs(kayle: object): Promise<string> {
  const { data, errors } = await app.execute(CREATE, { key: `rules_${keys++}`, kayle })
  expect(errors).toEqual([])
  return data.createSession.__typename
}

/** The response of the server to the same request, without our client. */
async function byKayle(body: object): Promise<number> {
  const headers = { authorization: `Bearer ${sandbox.credentials.apiKey}`, 'content-type': 'application/json' }
  const url = `${app.sandbox('KAYLE').origin}/v1/sessions`
  return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).status
}

const TAKEN = 'CreateSessionPayload'
const REFUSED = 'InvalidInputError'
const wide = (length: number) => `a${' '.repeat(length - 2)}b`

test.each([
  ['a reason of 251 characters that collapses to three', 'date_of_birth', wide(251), REFUSED],
  ['a reason of 201 characters that collapses to three', 'date_of_birth', wide(201), REFUSED],
  ['a reason of 200 characters that collapses to three', 'date_of_birth', wide(200), TAKEN],
  ['a reason of 200 characters between white space', 'date_of_birth', ` \n${'x'.repeat(200)}\t `, TAKEN],
  ['a reason of nothing but white space', 'date_of_birth', ' '.repeat(300), REFUSED],
  ['an age with a zero before it', 'age_over_018', 'Age', TAKEN],
  ['an age with zeros before it', 'age_over_00018', 'Age', TAKEN],
  ['an age too low with a zero before it', 'age_over_011', 'Age', REFUSED],
  ['an age with a sign', 'age_over_+18', 'Age', REFUSED],
  ['an age with a fraction', 'age_over_18.0', 'Age', REFUSED],
  ['no age', 'age_over_', 'Age', REFUSED],
])('%s', async (_what, key, reason, expected) => {
  expect(await byUs({ shareFields: [{ key, required: true, reason }] })).toBe(expected)
  expect(await byKayle({ share_fields: { [key]: { required: true, reason } } })).toBe(expected === TAKEN ? 200 : 400)
})

test.each([
  ['http://[::1]/done', REFUSED],
  ['http://[::1]:3000/done', REFUSED],
  ['https://[::1]/done', REFUSED],
  ['http://[::ffff:127.0.0.1]/done', REFUSED],
  ['http://localhost:3000/done', TAKEN],
  ['http://127.0.0.1:3000/done', TAKEN],
  ['https://app.example.com/done', TAKEN],
  ['https://app.example.net/done?user=1', TAKEN],
])('a redirect to %s is %s', async (redirectUrl, expected) => {
  expect(await byUs({ redirectUrl })).toBe(expected)
  expect(await byKayle({ redirect_url: redirectUrl })).toBe(expected === TAKEN ? 200 : 400)
})

const age = fc.oneof(
  fc.integer({ min: 0, max: 200 }).map(String),
  fc.constantFrom('018', '0018', '130', '131', '12', '11', '', 'x', '18 ', '-18', '1e2'),
)
const key = fc.oneof(
  fc.constantFrom('date_of_birth', 'family_name', 'kayle_document_id', 'kayle_human_id', 'sex_marker', 'shoe_size'),
  age.map(text => `age_over_${text}`),
)
const reason = fc.oneof(
  fc.constantFrom('', ' ', '\n', 'Why'),
  fc.integer({ min: 196, max: 204 }).map(length => 'x'.repeat(length)),
  fc.integer({ min: 196, max: 204 }).map(wide),
  fc.integer({ min: 196, max: 204 }).map(length => ` ${'x'.repeat(length)} `),
)
const field: fc.Arbitrary<Field> = fc.record({ key, required: fc.boolean(), reason })
const fields = fc.uniqueArray(field, { maxLength: 4, selector: each => each.key })

test('whatever the share fields are, our input accepts what Kayle accepts', async () => {
  await fc.assert(
    fc.asyncProperty(fields, async shareFields => {
      const share_fields = Object.fromEntries(shareFields.map(({ key, ...rest }) => [key, rest]))
      const expected = (await byKayle({ share_fields })) === 200 ? TAKEN : REFUSED
      expect(await byUs({ shareFields })).toBe(expected)
    }),
    { numRuns: 200, seed: SEED },
  )
})
