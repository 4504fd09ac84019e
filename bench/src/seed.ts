import { writeFileSync } from 'node:fs'
import { sql } from 'kysely'
import { loadConfig } from '../../src/app/config.ts'
import { createContainer, DEV_TENANT } from '../../src/app/container.ts'
import { encodeGlobalId } from '../../src/domain/global-id.ts'
import { registry } from '../../src/providers/registry.ts'
import type { RequestScope } from '../../src/services/request-scope.ts'
import { applicantId, applicationId, customerOf, kayleId, rapidlyId, SESSIONS_PER_CUSTOMER } from './world.ts'

/** A store that contains the providers' records, written by our own services, and the ids for the requests. */
export interface Seeded {
  readonly ids: readonly string[]
  readonly providerIds: readonly string[]
  /** The position of each session in the list, newest first. */
  readonly cursors: readonly string[]
}

type Services = Awaited<ReturnType<typeof createContainer>>['services']

/**
 * Fills an empty store: the DATABASE_URL of `env`, with the settings of the server that will use it, otherwise a new
 * one in `file`.
 */
export async function seed(env: NodeJS.ProcessEnv, sessions: number, file: string): Promise<Seeded> {
  const config = loadConfig({ DATABASE_URL: 'sqlite::memory:', ...env }, Object.values(registry))
  const app = await createContainer(config, { now: () => new Date(), sandboxes: async () => [] })
  const { services, db } = app
  try {
    const customers = await withReadLock(sessions / SESSIONS_PER_CUSTOMER, n =>
      services.customers.get(call(), { atProvider: { provider: 'RAPIDLY', providerId: rapidlyId(n) } }),
    )
    const ids = await withReadLock(sessions, async n => {
      const customer = customers[customerOf(n)]
      if (!customer) throw new Error('A session has no customer.')
      return storeSession(services, n, customer.id)
    })
    const cursors = await listCursors(services)
    if (env.DATABASE_URL === undefined) await sql`vacuum into ${file}`.execute(db.sql)
    return { ids: ids.map(id => encodeGlobalId('Session', id)), providerIds: ids.map((_, n) => kayleId(n)), cursors }
  } finally {
    await app.close()
  }
}

/** Read from its provider, linked, and read again: a link is a change, so that measured reads find nothing changed. */
async function storeSession(services: Services, n: number, customerId: string): Promise<string> {
  const { id } = await services.sessions.get(call(), { atProvider: { provider: 'KAYLE', providerId: kayleId(n) } })
  const applicant = await services.applicants.get(call(), {
    atProvider: { provider: 'YORLET', providerId: applicantId(n), parentProviderId: applicationId(n) },
  })
  await services.links.linkSession(call(), {
    sessionId: id,
    // The owner of the customer, because another one would be refused.
    externalId: `user-${customerOf(n)}`,
    applicantId: applicant.id,
    customerId,
  })
  await services.sessions.get(call(), { id }, { maxAgeSeconds: 0 })
  return id
}

async function listCursors(services: Services): Promise<string[]> {
  const cursors: string[] = []
  for (let after: string | null = null; ; ) {
    const { edges, pageInfo } = await services.sessions.list(call(), {}, { first: 100, after })
    cursors.push(...edges.map(edge => edge.cursor))
    if (!pageInfo.hasNextPage) return cursors
    after = pageInfo.endCursor
  }
}

async function withReadLock<T>(count: number, run: (n: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let n = 0; n < count; n++) results.push(await run(n))
  return results
}

function call(): RequestScope {
  return { tenantId: DEV_TENANT, signal: AbortSignal.timeout(10_000) }
}

/** A separate process seeds the store, so that its memory is freed before the measurements. */
const [, , file, count] = process.argv
if (import.meta.url === `file://${process.argv[1]}` && file) {
  writeFileSync(`${file}.json`, JSON.stringify(await seed(process.env, Number(count), file)))
}
