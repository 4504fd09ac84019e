import { useCallback, useEffect, useRef, useState } from 'react'
import { Begin } from './begin.tsx'
import { ask, callOurServer, getPass, Trouble } from './client.ts'
import { Next } from './next.tsx'
import { Journey, type Person, type Session } from './operations.ts'
import { SessionCard } from './session-card.tsx'
import { toSentence } from './words.ts'

/** Each stream uses a connection, and a browser has six per server: only the newest sessions are followed. */
const FOLLOWED = 3

export function App() {
  const { person, user, trouble, load, replace } = usePerson()
  const sessions = person?.sessions?.nodes ?? []

  return (
    <>
      <header>
        <strong className="brand">Acme</strong>
        {user && (
          <span className="user">
            {user}
            <button type="button" className="quiet" onClick={startOver}>
              Be somebody else
            </button>
          </span>
        )}
      </header>
      <main>
        <h1>Your onboarding</h1>
        {trouble && <Alert trouble={trouble} onRetry={load} />}
        {person === undefined && !trouble && <Skeleton />}
        {person !== undefined && (
          <div className="columns">
            <div className="column">
              {person?.nextAction && person.nextAction.kind !== 'START' && <Next action={person.nextAction} />}
              <Begin isFirst={sessions.length === 0} onBegun={load} />
            </div>
            <section className="column" aria-labelledby="journey">
              <h2 id="journey">Your journey</h2>
              {sessions.length === 0 && <p className="empty">Nothing yet. What you begin shows up here, live.</p>}
              {sessions.map((session, index) => (
                <SessionCard key={session.id} session={session} isFollowed={index < FOLLOWED} onChange={replace} />
              ))}
            </section>
          </div>
        )}
      </main>
    </>
  )
}

/** The person: undefined while loading, null if it could not be read. The latest request wins. */
function usePerson() {
  const [person, setPerson] = useState<Person | null>()
  const [user, setUser] = useState<string>()
  const [trouble, setTrouble] = useState<Trouble>()
  const latest = useRef(0)

  const load = useCallback(async () => {
    latest.current += 1
    const mine = latest.current
    try {
      const { externalId } = await getPass()
      const { data } = await ask(Journey, { externalId })
      if (mine !== latest.current) return
      setUser(externalId)
      setPerson(data?.person ?? null)
      setTrouble(undefined)
    } catch (error) {
      if (mine === latest.current) setTrouble(error instanceof Trouble ? error : new Trouble('', String(error)))
    }
  }, [])

  /** Shows the session at once, and then reads the next action. */
  const replace = useCallback(
    (session: Session) => {
      setPerson(known => known && withSession(known, session))
      void load()
    },
    [load],
  )

  useEffect(() => void load(), [load])
  return { person, user, trouble, load, replace }
}

function withSession(person: Person, session: Session): Person {
  const nodes = person.sessions?.nodes.map(each => (each.id === session.id ? session : each)) ?? [session]
  return { ...person, sessions: { nodes } }
}

async function startOver(): Promise<void> {
  await callOurServer('/api/logout')
  location.reload()
}

function Alert({ trouble, onRetry }: { trouble: Trouble; onRetry: () => void }) {
  return (
    <div className="alert" role="alert">
      <p>{toSentence(trouble)}</p>
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  )
}

function Skeleton() {
  return (
    <div className="columns" role="status" aria-label="Loading">
      <div className="skeleton" />
      <div className="skeleton" />
    </div>
  )
}
