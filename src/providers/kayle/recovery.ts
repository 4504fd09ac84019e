import type { SessionSnapshot } from '../../domain/records/session.ts'
import { isSameClock, toSendWindow } from '../../domain/send-window.ts'
import type { ListQuery, Page, ReadCall, Recovery, RecoveryCandidates, UnknownCreate } from '../contract.ts'
import { assertOwnMarker } from '../own-marker.ts'
import { MARKER_PARAMETER, sessionInput } from './input.ts'
import { readMarker, toMarkedRedirect, toSession } from './mapper.ts'
import type { Session } from './wire.ts'

/** The note of a create without a marker, which cannot be distinguished from others. */
export const NO_MARKER = 'NO_MARKER'

const PAGE_SIZE = 100
const MAX_PAGES = 50

/** `isLast` is true only if Kayle reports that there is no further page. */
export interface SessionPage extends Page<Session> {
  readonly isLast: boolean
}

interface Reads {
  readSession(providerId: string, call: ReadCall): Promise<Session>
  readPage(query: ListQuery, call: ReadCall): Promise<SessionPage>
  /** How far Kayle's clock is ahead of ours; null if unknown. */
  clockAheadMs(): number | null
  readonly now: () => Date
  readonly giveUpSeconds: number
}

/**
 * Finds a create by its marker among the sessions of its send window. Its link was never returned, so the session is
 * harmless once it has expired, with or without a marker, even if the search never completed.
 */
export function createRecovery(reads: Reads): Recovery<SessionSnapshot> {
  const { readSession, readPage, clockAheadMs, now, giveUpSeconds } = reads
  const read = async (providerId: string, call: ReadCall) => toSession(await readSession(providerId, call), now())

  async function search(unknownCreate: UnknownCreate, call: ReadCall): Promise<Session | 'ABSENT' | 'UNCERTAIN'> {
    // Kayle lists by random id: the last page is only the last if the end of the period is fixed.
    const clock = clockAheadMs()
    const { from, to } = toSendWindow(unknownCreate.sentAt, unknownCreate.sentAt, clock)
    let cursor: string | undefined
    let returnsAllSessions = true
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const { items, nextCursor, isLast } = await readPage(
        { createdFrom: from, createdTo: to, limit: PAGE_SIZE, cursor },
        call,
      )
      const found = items.find(session => readMarker(session) === unknownCreate.reference)
      if (found) return found
      // The session may be among those whose redirect URL Kayle does not return.
      returnsAllSessions &&= items.every(({ redirect_url }) => redirect_url !== undefined)
      if (isLast) return returnsAllSessions && isSameClock(clock, clockAheadMs()) ? 'ABSENT' : 'UNCERTAIN'
      if (!nextCursor) return 'UNCERTAIN'
      cursor = nextCursor
    }
    return 'UNCERTAIN'
  }

  return {
    async find(unknownCreate, call) {
      if (!hasMarker(unknownCreate)) return 'UNCERTAIN'
      const finding = await search(unknownCreate, call)
      return typeof finding === 'string' ? finding : { found: await read(finding.id, call) }
    },
    safeToForgetAfterMs: giveUpSeconds * 1000,
    traces: toCandidates,
    async reconstruct(unknownCreate, providerId, call) {
      const session = await readSession(providerId, call)
      assertOwnMarker(readMarker(session), unknownCreate)
      return toSession(session, now())
    },
  }
}

function toCandidates(unknownCreate: UnknownCreate): RecoveryCandidates {
  if (hasMarker(unknownCreate)) {
    return { traces: [{ where: `${MARKER_PARAMETER} in the query of redirect_url`, value: unknownCreate.reference }] }
  }
  const redirectUrl = sessionInput.safeParse(unknownCreate.input).data?.redirectUrl
  return {
    traces: redirectUrl ? [{ where: 'redirect_url', value: redirectUrl, isPersonal: true }] : [],
    warning:
      'The session cannot be distinguished from others: it was not created only if Kayle lists no session of that time ' +
      'that is unknown here. Without a decision it counts as failed after its link has expired.',
  }
}

/** Depends on the note, not on the setting, which may have changed since. */
function hasMarker({ input, noted, reference }: UnknownCreate): boolean {
  const redirectUrl = sessionInput.safeParse(input).data?.redirectUrl
  return noted !== NO_MARKER && toMarkedRedirect(redirectUrl, reference) !== undefined
}
