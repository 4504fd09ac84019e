import { type FormEvent, useRef, useState } from 'react'
import { callOurServer, Trouble } from './client.ts'
import { CHOICES, type Choice, PROVIDERS, toSentence } from './words.ts'

/** After these errors it is unknown whether a session was created: the same key is sent again. */
const SAME_AGAIN = ['DEADLINE_EXCEEDED', 'IDEMPOTENCY_IN_PROGRESS', 'UNCONFIRMED', 'UNREACHABLE']

/** Selects a provider and creates a session there. */
export function Begin({ isFirst, onBegun }: { isFirst: boolean; onBegun: () => Promise<void> }) {
  const [provider, setProvider] = useState<Choice>('KAYLE')
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string>()
  const key = useRef(crypto.randomUUID())

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault()
    setBusy(true)
    setProblem(undefined)
    try {
      await callOurServer('/api/sessions', { provider, key: key.current })
      key.current = crypto.randomUUID()
      await onBegun()
    } catch (error) {
      const trouble = error instanceof Trouble ? error : new Trouble('', '')
      if (!SAME_AGAIN.includes(trouble.code)) key.current = crypto.randomUUID()
      setProblem(toSentence(trouble))
    } finally {
      setBusy(false)
    }
  }

  function choose(chosen: Choice): void {
    key.current = crypto.randomUUID()
    setProvider(chosen)
  }

  return (
    <form className="card" onSubmit={submit} aria-busy={isBusy}>
      <h2>{isFirst ? 'Let us begin' : 'Begin another one'}</h2>
      <fieldset disabled={isBusy}>
        <legend>Choose a provider</legend>
        {CHOICES.map(choice => (
          <label key={choice} className="choice">
            <input
              type="radio"
              name="provider"
              value={choice}
              checked={choice === provider}
              onChange={() => choose(choice)}
            />
            <span>
              <b>{PROVIDERS[choice].name}</b>
              <small>{PROVIDERS[choice].about}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <button type="submit" className={isFirst ? '' : 'second'} disabled={isBusy}>
        {isBusy ? 'One moment …' : `Begin at ${PROVIDERS[provider].name}`}
      </button>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </form>
  )
}
