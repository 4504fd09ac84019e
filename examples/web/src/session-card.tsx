import type { Event, Session } from './operations.ts'
import { describeEvent, plain, toOutcomeWord, toProviderName } from './words.ts'

interface Props {
  readonly session: Session
  readonly isLive: boolean
}

/** One session with its attempts and its timeline. */
export function SessionCard({ session, isLive }: Props) {
  const attempts = session.attempts?.nodes ?? []
  const name = toProviderName(session.provider)
  const word = toOutcomeWord(session.outcome) || plain(session.status)
  return (
    <article className="card" aria-label={`${name}, ${word}`}>
      <div className="head">
        <h3>{name}</h3>
        <span className={`pill ${session.outcome.toLowerCase()} ${session.status.toLowerCase()}`}>{word}</span>
        <Live isLive={isLive} />
      </div>
      {attempts.length > 0 && (
        <ul className="attempts" aria-label="Attempts">
          {attempts.map((attempt, index) => (
            <li key={attempt.id}>
              {plain(attempt.kind)} {index + 1}: {plain(attempt.status).toLowerCase()}
              {attempt.failureCode && ` (${plain(attempt.failureCode).toLowerCase()})`}
            </li>
          ))}
        </ul>
      )}
      <ol className="timeline" aria-label="Timeline">
        {session.timeline.nodes.map(event => (
          <TimelineItem key={event.id} event={event} />
        ))}
      </ol>
    </article>
  )
}

function TimelineItem({ event }: { event: Event }) {
  return (
    <li className={event.__typename === 'WebhookReceived' ? 'minor' : ''}>
      <span>{describeEvent(event)}</span>
      <time dateTime={event.at}>{toTime(event.at)}</time>
    </li>
  )
}

/** With the date, if that is not today. */
function toTime(at: string): string {
  const time = new Date(at)
  const isToday = time.toDateString() === new Date().toDateString()
  return isToday ? time.toLocaleTimeString() : time.toLocaleString()
}

function Live({ isLive }: { isLive: boolean }) {
  return <span className={isLive ? 'live on' : 'live'}>{isLive ? 'live' : 'connecting'}</span>
}
