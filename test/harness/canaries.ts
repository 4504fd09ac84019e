import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { sql } from 'kysely'
import { ENCRYPTED_COLUMNS, placeOf } from '../../db/encryption/encrypted-columns.ts'
import type { TestApp } from './app/test-app.ts'
import { deliver, fromKayle, openEndpoint, type WebhookTarget } from './providers/deliveries.ts'

/** A person with unique values for all details, and functions that search for these values. */

/** A new set of secrets and personal data: 40 values from the test, and those that the providers generate. */
export function createCanaries() {
  const mark = randomUUID().replaceAll('-', '').slice(0, 12)
  const all = new Map<string, string>()
  const give = (name: string, value: string) => {
    all.set(name, value)
    return value
  }
  return {
    mark,
    all,
    add: give,
    text: (name: string) => give(name, `Canary${name}${mark}`),
    email: (name: string) => give(name, `canary.${name.toLowerCase()}.${mark}@example.com`),
    phone: (name: string, last: number) =>
      give(
        name,
        `+4670${String(Number.parseInt(mark.slice(0, 6), 16))
          .padStart(8, '0')
          .slice(0, 8)}${last}`,
      ),
  }
}

export type Canaries = ReturnType<typeof createCanaries>

export interface CanaryPerson {
  readonly externalId: string
  /** The idempotency keys of its creates. */
  readonly keys: readonly { readonly mutation: string; readonly input: object }[]
  readonly records: readonly {
    readonly recordType: string
    readonly provider: string
    readonly id: string
    readonly providerId: string
  }[]
  /** Receives the claims of its Kayle attempt. */
  readonly kayleEndpoint: WebhookTarget
  claims(): Promise<number>
}

const RECORD = 'id provider providerId'
const SESSION = `mutation ($input: CreateSessionInput!) { made: createSession(input: $input) { __typename
  ... on CreateSessionPayload { record: session { ${RECORD} access { hostedUrl sdkToken cancelToken } } } ... on MutationError { code message } } }`
const APPLICANT = `mutation ($input: CreateApplicantInput!) { made: createApplicant(input: $input) { __typename
  ... on CreateApplicantPayload { record: applicant { ${RECORD} } } ... on MutationError { code message } } }`
const CUSTOMER = `mutation ($input: CreateCustomerInput!) { made: createCustomer(input: $input) { __typename
  ... on CreateCustomerPayload { record: customer { ${RECORD} } } ... on MutationError { code message } } }`

/** Creates one person at all providers, and reads all of its data once. */
export async function createPerson(app: TestApp, canaries: Canaries, externalId: string): Promise<CanaryPerson> {
  const { text, email, phone } = canaries
  const keys: { mutation: string; input: object }[] = []
  const records: { recordType: string; provider: string; id: string; providerId: string }[] = []

  async function make(mutation: string, input: object) {
    const keyed = { idempotencyKey: randomUUID(), externalId, ...input }
    const answer = await app.execute(mutation, { input: keyed })
    const { record } = answer.data?.made ?? {}
    if (!record) throw new Error(`Create failed: ${JSON.stringify(answer)}`)
    keys.push({ mutation, input: keyed })
    records.push({
      ...record,
      recordType: mutation === SESSION ? 'session' : mutation === APPLICANT ? 'applicant' : 'customer',
    })
    for (const [name, value] of Object.entries(record.access ?? {}))
      if (typeof value === 'string') canaries.add(`${record.provider} ${name}`, value)
    return record
  }

  await make(SESSION, {
    metadata: { note: text('VerilockMetadata') },
    session: {
      verilock: {
        profileId: '01234567-89ab-cdef-0123-456789abcdef',
        applicantEmail: email('VerilockEmail'),
        applicantName: text('VerilockName'),
        redirectUrl: `https://app.example.com/done?for=${text('VerilockRedirect')}`,
      },
    },
  })
  const applicant = await make(APPLICANT, {
    applicant: {
      personr: {
        email: email('PersonrEmail'),
        phone: phone('PersonrPhone', 1),
        firstName: text('PersonrFirstName'),
        lastName: text('PersonrLastName'),
        flowName: 'KYC basic',
        sourceKey: text('PersonrSource'),
      },
    },
  })
  await make(SESSION, {
    metadata: { note: text('PersonrMetadata') },
    session: { personr: { applicant: { applicantId: applicant.id } } },
  })
  const customer = await make(CUSTOMER, {
    customer: {
      rapidly: {
        email: email('RapidlyEmail'),
        name: text('RapidlyName'),
        metadata: { note: text('RapidlyMetadata'), [text('RapidlyKey').slice(0, 40)]: 'x' },
        billingAddress: {
          country: 'SE',
          city: text('RapidlyCity'),
          line1: text('RapidlyLine1'),
          line2: text('RapidlyLine2'),
          state: text('RapidlyState'),
          postalCode: '11122',
        },
      },
    },
  })
  await make(SESSION, {
    metadata: { note: text('RapidlySessionMetadata') },
    session: {
      rapidly: {
        customer: { customerId: customer.id },
        redirectUrl: `https://app.example.com/account?for=${text('RapidlyReturn')}`,
      },
    },
  })
  await make(CUSTOMER, {
    customer: { yorlet: { email: email('YorletEmail'), name: text('YorletName'), phone: phone('YorletPhone', 2) } },
  })
  await make(SESSION, {
    metadata: { note: text('YorletMetadata') },
    session: { yorlet: { applicantProviderId: 'apst_manvb9c4m2WsXy5Z' } },
  })
  const kayle = await make(SESSION, {
    metadata: { note: text('KayleMetadata'), more: { deep: [text('KayleMetadataDeep')] } },
    session: {
      kayle: {
        redirectUrl: `https://app.example.com/done?for=${text('KayleRedirect')}`,
        shareFields: [{ key: 'given_names', reason: text('KayleReason'), required: true }],
      },
    },
  })
  const kayleEndpoint = await openEndpoint(app, 'KAYLE')
  const sandbox = app.sandbox('KAYLE')
  await sandbox.advance({ id: kayle.providerId, to: 'attempt_succeeded' })
  const { attempts = {} } = await sandbox.objects()
  const attempt = Object.entries(attempts).find(([, object]) => JSON.stringify(object).includes(kayle.providerId))
  const claims = {
    given_names: text('ClaimGivenNames'),
    family_name: text('ClaimFamilyName'),
    document: { number: text('ClaimDocument') },
  }

  async function sendClaims(): Promise<number> {
    const event = {
      type: 'verification.attempt.succeeded',
      sessionId: kayle.providerId,
      attemptId: attempt?.[0] ?? '',
      data: { claims, selected_field_keys: ['given_names'] },
    }
    const status = await deliver(app, kayleEndpoint, await fromKayle(kayleEndpoint, event))
    await app.services.webhookInbox.applyDue()
    return status
  }

  await sendClaims()
  return { externalId, keys, records, kayleEndpoint, claims: sendClaims }
}

/** The canaries in the bytes of a SQLite database, including its write-ahead log and free pages. */
export function findInFiles(folder: string, canaries: Canaries): string[] {
  const bytes = readdirSync(folder)
    .filter(name => /\.db(-wal|-shm)?$/.test(name))
    .map(name => readFileSync(`${folder}/${name}`).toString('latin1'))
  return findIn(bytes.join('\n'), canaries)
}

/** The names of the canaries in a text. */
export function findIn(text: string, canaries: Canaries): string[] {
  return [...canaries.all].filter(([, value]) => text.includes(value)).map(([name]) => name)
}

/** The canaries in all rows, with encrypted columns decrypted. */
export async function findOpened({ db }: Pick<TestApp, 'db'>, canaries: Canaries): Promise<string[]> {
  const tables = await db.sql.introspection.getTables()
  const found = new Set<string>()
  for (const { name } of tables) {
    const { rows } = await sql<Record<string, unknown>>`select * from ${sql.table(name)}`.execute(db.sql)
    const encrypted = ENCRYPTED_COLUMNS.find(({ table }) => table === name)
    const values = rows.flatMap(row => Object.entries(row).map(([column, value]) => ({ row, column, value })))
    for (const { row, column, value } of values) {
      if (typeof value !== 'string') continue
      const text = encrypted?.encrypted.includes(column)
        ? db.encryption.decrypt(value, placeOf(encrypted, column, row))
        : value
      // Deliveries are stored as base64.
      const bodies = [...text.matchAll(/"([\w+/=]{40,})"/g)].map(([, body = '']) =>
        Buffer.from(body, 'base64').toString(),
      )
      for (const canary of findIn([text, ...bodies].join('\n'), canaries)) found.add(canary)
    }
  }
  return [...found]
}
