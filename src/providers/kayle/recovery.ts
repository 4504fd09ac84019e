import type { SessionSnapshot } from '../../domain/session.ts'
import type { ListQuery, LostCreate, Page, ReadCall, Recovery } from '../contract.ts'
import { sessionInput } from './input.ts'
import { readMarker, toCreatedSession, toMarkedRedirect } from './mapper.ts'
import type { Session } from './wire.ts'

/** What a create notes that sends no marker: it cannot be told from others. */
export const NO_MARKER = 'NO_MARKER'

/** How far Kayle's clock and ours may differ. */
const SKEW_MS = 10 * 60_000
const PAGE_SIZE = 100
const MAX_PAGES = 50

/** `isLast` is true only where Kayle says that there is no page after this one. */
export interface SessionPage extends Page<Session> {
  readonly isLast: boolean
}

interface Reads {
  readSession(providerId: string, call: ReadCall): Promise<Session>
  readPage(query: ListQuery, call: ReadCall): Promise<SessionPage>
  readonly now: () => Date
  readonly giveUpSeconds: number
}

/**
 * A lost create is found by its marker among the sessions of that time. Its link was handed to nobody, so that it is
 * harmless once it has expired, marker or not: also where the search never came to an end.
 */
export function recoverSession({ readSession, readPage, now, giveUpSeconds }: Reads): Recovery<SessionSnapshot> {
  const read = async (providerId: string, call: ReadCall) =>
    toCreatedSession(await readSession(providerId, call), now())

  async function search(lost: LostCreate, call: ReadCall): Promise<Session | 'ABSENT' | 'UNCERTAIN'> {
    // Kayle lists by ids, which are random: only an end of time that does not move makes the last page the last.
    const window = { createdFrom: around(lost.sentAt, -SKEW_MS), createdTo: around(lost.sentAt, SKEW_MS) }
    let cursor: string | undefined
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const { items, nextCursor, isLast } = await readPage({ ...window, limit: PAGE_SIZE, cursor }, call)
      const found = items.find(session => readMarker(session) === lost.reference)
      if (found) return found
      // Ours may be among those of which Kayle does not tell the redirect.
      if (items.some(({ redirect_url }) => redirect_url === undefined)) return 'UNCERTAIN'
      if (isLast) return 'ABSENT'
      if (!nextCursor) return 'UNCERTAIN'
      cursor = nextCursor
    }
    return 'UNCERTAIN'
  }

  return {
    async find(lost, call) {
      if (!wasMarked(lost)) return 'UNCERTAIN'
      const finding = await search(lost, call)
      return typeof finding === 'string' ? finding : { found: await read(finding.id, call) }
    },
    harmlessAfterMs: giveUpSeconds * 1000,
    assume: (_lost, providerId, call) => read(providerId, call),
  }
}

/** By what was noted and not by the setting, which may have been changed since. */
function wasMarked({ input, noted, reference }: LostCreate): boolean {
  const redirectUrl = sessionInput.safeParse(input).data?.redirectUrl
  return noted !== NO_MARKER && toMarkedRedirect(redirectUrl, reference) !== undefined
}

function around(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms)
}
