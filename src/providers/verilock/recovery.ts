import { DomainError } from '../../domain/errors.ts'
import { REFERENCE_KEY } from '../../domain/input/metadata.ts'
import type { SessionSnapshot } from '../../domain/records/session.ts'
import { isSameClock, isWithin, type TimeWindow, toSendWindow } from '../../domain/send-window.ts'
import type {
  ListQuery,
  Page,
  ReadCall,
  Recovery,
  RecoveryCandidate,
  RecoveryCandidates,
  RecoveryResult,
  UnknownCreate,
} from '../contract.ts'
import { assertOwnMarker } from '../own-marker.ts'
import { sessionInput } from './input.ts'
import { hasMarker, readExternalId, toFoundSession } from './mapper.ts'
import type { Session } from './wire.ts'

const DAY_MS = 24 * 60 * 60_000
const PAGE_SIZE = 100
const MAX_PAGES = 100
const MAX_PASSES = 3
const MAX_READS = 100

/** `total`: the number of sessions in the whole list; null if Verilock does not report it. */
export interface SessionPage extends Page<Session> {
  readonly total: number | null
}

interface Reads {
  readSession(providerId: string, call: ReadCall): Promise<Session>
  readPage(query: ListQuery, call: ReadCall): Promise<SessionPage>
  /** How far Verilock's clock is ahead of ours; null if unknown. */
  clockAheadMs(): number | null
}

/**
 * Finds a create by its marker, which may only be visible when each session of the period is read. The create is absent
 * if the list of the period is complete and every session in it belongs to something else: by its external id, by its
 * metadata, or because another create of ours made it. Some versions of Verilock return no metadata; a session without
 * it may be the one, and recovery never guesses.
 */
export function createRecovery({ readSession, readPage, clockAheadMs }: Reads): Recovery<SessionSnapshot> {
  async function search(unknownCreate: UnknownCreate, call: ReadCall): Promise<Session | 'ABSENT' | 'UNCERTAIN'> {
    const clock = clockAheadMs()
    const window = toSendWindow(unknownCreate.sentAt, unknownCreate.sentAt, clock)
    const { sessions, isComplete } = await listDays(readPage, window, call)
    // A list without any external id may omit them, so their absence proves nothing.
    const returnsExternalIds = sessions.some(session => readExternalId(session) !== undefined)
    const mayBeOurs = (session: Session) => isPossible(reportedExternalId(session), unknownCreate, returnsExternalIds)
    const candidates = sessions
      .filter(
        session =>
          couldMatchTime(session, window) && mayBeOurs(session) && !unknownCreate.createdByOthers?.has(session.id),
      )
      .sort(byLikelihood(unknownCreate))
    let isCertain = isComplete && isSameClock(clock, clockAheadMs()) && candidates.length <= MAX_READS
    for (const { id } of candidates.slice(0, MAX_READS)) {
      const session = await readSession(id, call).catch(ignoreNotFoundOfOne)
      if (session?.id === id && hasMarker(session, unknownCreate.reference)) return session
      isCertain &&= session?.id === id && isOfOther(session, unknownCreate, returnsExternalIds)
    }
    return isCertain ? 'ABSENT' : 'UNCERTAIN'
  }

  return {
    async find(unknownCreate, call): Promise<RecoveryResult<SessionSnapshot>> {
      const finding = await search(unknownCreate, call)
      return typeof finding === 'string' ? finding : { found: toFound(finding, unknownCreate) }
    },
    traces: toCandidates,
    async reconstruct(unknownCreate, providerId, call) {
      const session = await readSession(providerId, call)
      assertOwnMarker(session.metadata?.[REFERENCE_KEY], unknownCreate)
      return toFound(session, unknownCreate)
    },
  }
}

/**
 * The sessions of the days around a time. Pages are numbered and shift while sessions arrive, so shifted sessions are
 * searched for again from the first page on, until the number matches the total.
 */
async function listDays(
  readPage: Reads['readPage'],
  { from, to }: TimeWindow,
  call: ReadCall,
): Promise<{ sessions: readonly Session[]; isComplete: boolean }> {
  // One more day on either side: the time zone of a day, and whether `to` is inclusive, are not documented.
  const days = { createdFrom: new Date(from.getTime() - DAY_MS), createdTo: new Date(to.getTime() + DAY_MS) }
  const listed = new Map<string, Session>()
  let largest = 0
  let cursor: string | undefined
  for (let pages = 0, passes = 0; pages < MAX_PAGES && passes < MAX_PASSES; pages++) {
    const { items, nextCursor, total } = await readPage({ ...days, limit: PAGE_SIZE, cursor }, call)
    for (const session of items) listed.set(session.id, session)
    // A list that shrinks while it is read may have hidden sessions.
    if (total === null ? nextCursor === null : total < largest) break
    largest = total ?? 0
    if (listed.size === total) return { sessions: [...listed.values()], isComplete: true }
    cursor = nextCursor ?? undefined
    if (cursor === undefined) passes++
  }
  return { sessions: [...listed.values()], isComplete: false }
}

function toCandidates(unknownCreate: UnknownCreate): RecoveryCandidates {
  const { applicantEmail, applicantName, profileId } = sessionInput.parse(unknownCreate.input)
  const traces: RecoveryCandidate[] = [
    { where: `${REFERENCE_KEY} in metadata`, value: unknownCreate.reference },
    { where: 'profile_id', value: profileId },
  ]
  if (unknownCreate.externalId) traces.push({ where: 'external_id or reference_id', value: unknownCreate.externalId })
  if (applicantEmail) traces.push({ where: 'applicant_email', value: applicantEmail, isPersonal: true })
  if (applicantName) traces.push({ where: 'applicant_name', value: applicantName, isPersonal: true })
  return {
    traces,
    warning: 'Verilock does not always return metadata: a session of that time without metadata may be this one.',
  }
}

function toFound(session: Session, unknownCreate: UnknownCreate): SessionSnapshot {
  return toFoundSession(session, sessionInput.parse(unknownCreate.input), unknownCreate)
}

/** A session without a creation time may have been created then. */
function couldMatchTime({ created_at }: Session, window: TimeWindow): boolean {
  return !created_at || isWithin(new Date(created_at), window)
}

/** Whether a session with this external id may come from the create. */
function isPossible(
  reported: string | null | undefined,
  { externalId = null }: UnknownCreate,
  returnsExternalIds: boolean,
): boolean {
  if (reported === undefined || (reported === null && !returnsExternalIds)) return true
  return reported === externalId
}

/** Null if Verilock reports that there is none, undefined if it reports nothing. */
function reportedExternalId(session: Session): string | null | undefined {
  const isOmitted = session.external_id === undefined && session.reference_id === undefined
  return isOmitted ? undefined : (readExternalId(session) ?? null)
}

/**
 * True for a read that identifies the session as another's: by metadata without our marker, or by an external id that
 * differs from the input.
 */
function isOfOther(session: Session, unknownCreate: UnknownCreate, returnsExternalIds: boolean): boolean {
  if (Object.keys(session.metadata ?? {}).length > 0) return true
  return !isPossible(reportedExternalId(session), unknownCreate, returnsExternalIds)
}

/** Sessions with the external id of the input first, then by distance to the time of the send. */
function byLikelihood(unknownCreate: UnknownCreate): (a: Session, b: Session) => number {
  const hasNoExternalId = (session: Session) => Number(readExternalId(session) === undefined)
  return (a, b) => hasNoExternalId(a) - hasNoExternalId(b) || distance(a, unknownCreate) - distance(b, unknownCreate)
}

function distance({ created_at }: Session, { sentAt }: UnknownCreate): number {
  return created_at ? Math.abs(Date.parse(created_at) - sentAt.getTime()) : Number.MAX_SAFE_INTEGER
}

const SINGLE_SESSION_ERRORS = ['NOT_FOUND', 'PROVIDER_CONTRACT_BROKEN']

/** One missing or unreadable session does not hide the others. If Verilock is down, the whole search waits. */
function ignoreNotFoundOfOne(error: unknown): undefined {
  if (!(error instanceof DomainError) || !SINGLE_SESSION_ERRORS.includes(error.code)) throw error
}
