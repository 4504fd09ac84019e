import DataLoader from 'dataloader'
import type { CreateInput } from './create-rows.ts'
import type { prepareCreate } from './creates.ts'
import type { KayleSession, Providers } from './providers.ts'
import type { Store } from './store.ts'
import * as view from './views.ts'

/**
 * The resolvers of the peers, the same for each: rows by prepared statements, provider responses unchanged, loaders.
 */

export interface Freshness {
  readonly freshness?: { readonly maxAgeSeconds?: number | null } | null
}

export interface SessionArguments extends Freshness {
  readonly by: { readonly id?: string | null; readonly atProvider?: { readonly providerId: string } | null }
}

export interface SessionsArguments {
  readonly filter?: object | null
  readonly first?: number | null
  readonly after?: string | null
}

/** A session for its nested fields: its row, and the provider's response if there was a call. */
export interface PeerSession extends ReturnType<typeof view.storedSession> {
  readonly row: view.Session
  readonly reported?: KayleSession
}

export type PeerSource = ReturnType<typeof createPeerSource>

/** The source of one request. */
export function createPeerSource(store: Store, providers: Providers, create: ReturnType<typeof prepareCreate>) {
  const freshCustomers = new DataLoader((ids: readonly string[]) => Promise.all(ids.map(freshCustomer)))

  async function session({ by, freshness }: SessionArguments): Promise<PeerSession | null> {
    const row = by.atProvider ? store.sessionByProviderId(by.atProvider.providerId) : store.session(view.toRowId(by.id))
    if (!row) return null
    if (!isLive(freshness)) return { ...view.storedSession(row), row }
    const reported = await providers.session(row.provider_id)
    return { ...view.sessionFromProvider(row, reported), row, reported }
  }

  function sessions({ filter, first, after }: SessionsArguments) {
    const { rows, pageInfo } = store.sessions({ first: first ?? 20, after, filtered: filter != null })
    return { nodes: rows.map((row): PeerSession => ({ ...view.storedSession(row), row })), pageInfo }
  }

  function attempts({ row, reported }: PeerSession) {
    const rows = store.attempts(row.id)
    return { nodes: reported ? view.reportedAttempts(rows, reported) : rows.map(view.storedAttempt) }
  }

  function customer({ row: { customer_id } }: PeerSession, { freshness }: Freshness) {
    if (isLive(freshness)) return freshCustomers.load(customer_id ?? '')
    const row = store.customer(customer_id ?? '')
    return row ? view.storedCustomer(row, store.openPii(row)) : null
  }

  async function freshCustomer(id: string) {
    const row = store.customer(id)
    return row ? view.customerFromProvider(row, await providers.customer(row.provider_id)) : null
  }

  async function applicant({ row: { applicant_id } }: PeerSession, { freshness }: Freshness) {
    const row = store.applicant(applicant_id ?? '')
    if (!row) return null
    if (!isLive(freshness)) return view.storedApplicant(row)
    return view.applicantFromProvider(row, await providers.applicant(row.provider_id, row.parent_provider_id))
  }

  return {
    session,
    sessions,
    attempts,
    customer,
    applicant,
    createSession: ({ input }: { input: CreateInput }) => create(input),
  }
}

function isLive(freshness: Freshness['freshness']): boolean {
  return freshness?.maxAgeSeconds === 0
}

export interface PeerContext {
  readonly source: PeerSource
}

/** For the peers that take resolvers by type and field. */
export const PEER_RESOLVERS = {
  Query: {
    session: (_: unknown, args: SessionArguments, { source }: PeerContext) => source.session(args),
    sessions: (_: unknown, args: SessionsArguments, { source }: PeerContext) => source.sessions(args),
  },
  Session: {
    attempts: (session: PeerSession, _: unknown, { source }: PeerContext) => source.attempts(session),
    customer: (session: PeerSession, args: Freshness, { source }: PeerContext) => source.customer(session, args),
    applicant: (session: PeerSession, args: Freshness, { source }: PeerContext) => source.applicant(session, args),
  },
  // They call the provider each time, and fail if that fails.
  Customer: { sync: () => ({ stale: false }) },
  Mutation: {
    createSession: (_: unknown, args: { input: CreateInput }, { source }: PeerContext) => source.createSession(args),
  },
}
