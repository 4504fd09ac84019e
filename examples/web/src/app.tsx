import { useCallback, useEffect, useRef, useState } from 'react'
import { Begin } from './begin.tsx'
import { ask, callOurServer, getPass, Trouble } from './client.ts'
import { follow } from './follow.ts'
import { Next } from './next.tsx'
import { Journey, type Person } from './operations.ts'
import { SessionCard } from './session-card.tsx'
import { toSentence } from './words.ts'

export function App() {
  const { person, user, trouble, isLive, load } = usePerson()
  const sessions = person?.sessions?.nodes ?? []

  return (
    <>
      <header>
        <strong className="brand">Acme</strong>
        {user && (
          <span className="user">
            {user}
            <button type="button" className="quiet" onClick={startOver}>
              Switch user
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
              {sessions.map(session => (
                <SessionCard key={session.id} session={session} isLive={isLive} />
              ))}
            </section>
          </div>
        )}
      </main>
    </>
  )
}

/** The person, live: undefined while loading, null if it could not be read. The latest request wins. */
function usePerson() {
  const [person, setPerson] = useState<Person | null>()
  const [user, setUser] = useState<string>()
  const [trouble, setTrouble] = useState<Trouble>()
  const [isLive, setLive] = useState(false)
  /** Where the stream begins; a new one where the events after it are lost. */
  const [start, setStart] = useState<string>()
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
      setStart(known => known ?? data?.person?.liveCursor)
      setTrouble(undefined)
    } catch (error) {
      if (mine === latest.current) setTrouble(error instanceof Trouble ? error : new Trouble('', String(error)))
    }
  }, [])

  useEffect(() => void load(), [load])
  useEffect(() => {
    if (!user || !start) return
    const onPerson = (changed: Person) => {
      // A read that began before the event is older.
      latest.current += 1
      setPerson(changed)
    }
    const onLost = () => {
      setStart(undefined)
      void load()
    }
    return follow(user, { after: start, onPerson, onConnected: setLive, onLost })
  }, [user, start, load])
  return { person, user, trouble, isLive, load }
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
