import { DomainError } from '../../domain/errors.ts'
import type { SessionSnapshot } from '../../domain/session.ts'
import type { ListQuery, LostCreate, Page, ReadCall, Recovery } from '../contract.ts'
import { sessionInput } from './input.ts'
import { carriesMarker, readExternalId, toFoundSession } from './mapper.ts'
import type { Session } from './wire.ts'

/** How far Verilock's clock and ours may differ. */
const SKEW_MS = 10 * 60_000
const PAGE_SIZE = 100
const MAX_PAGES = 50
const MAX_READS = 50

interface Reads {
  readSession(providerId: string, call: ReadCall): Promise<Session>
  readPage(query: ListQuery, call: ReadCall): Promise<Page<Session>>
}

/**
 * A lost create is found by its marker, which only a read of each session of that time may show. Not all of Verilock's
 * documentation has metadata in a read, so what is not found may still be there: never a guess.
 */
export function recoverSession({ readSession, readPage }: Reads): Recovery<SessionSnapshot> {
  async function listAround({ sentAt }: LostCreate, call: ReadCall): Promise<Session[]> {
    const days = { createdFrom: around(sentAt, -SKEW_MS), createdTo: around(sentAt, SKEW_MS) }
    // By id: a page that moves while it is read tells a session twice.
    const listed = new Map<string, Session>()
    let cursor: string | undefined
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const { items, nextCursor } = await readPage({ ...days, limit: PAGE_SIZE, cursor }, call)
      for (const session of items) listed.set(session.id, session)
      if (!nextCursor) break
      cursor = nextCursor
    }
    return [...listed.values()]
  }

  return {
    async find(lost, call) {
      const candidates = (await listAround(lost, call)).filter(session => mayBe(session, lost)).sort(byDistance(lost))
      for (const { id } of candidates.slice(0, MAX_READS)) {
        const session = await readSession(id, call).catch(unlessOfThisOneAlone)
        if (session && carriesMarker(session, lost.reference)) return { found: toFound(session, lost) }
      }
      return 'UNCERTAIN'
    },
    assume: async (lost, providerId, call) => toFound(await readSession(providerId, call), lost),
  }
}

function toFound(session: Session, lost: LostCreate): SessionSnapshot {
  return toFoundSession(session, sessionInput.parse(lost.input), lost)
}

function mayBe(session: Session, lost: LostCreate): boolean {
  return distance(session, lost) <= SKEW_MS && (!lost.externalId || readExternalId(session) === lost.externalId)
}

function byDistance(lost: LostCreate): (a: Session, b: Session) => number {
  return (a, b) => distance(a, lost) - distance(b, lost)
}

/** A session that does not tell when it was made may have been made then. */
function distance({ created_at }: Session, { sentAt }: LostCreate): number {
  return created_at ? Math.abs(Date.parse(created_at) - sentAt.getTime()) : SKEW_MS
}

const OF_ONE_SESSION = ['NOT_FOUND', 'PROVIDER_CONTRACT_BROKEN']

/** One session that is gone or cannot be read does not hide the others; where Verilock is down, all else waits too. */
function unlessOfThisOneAlone(error: unknown): undefined {
  if (!(error instanceof DomainError) || !OF_ONE_SESSION.includes(error.code)) throw error
}

function around(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms)
}
