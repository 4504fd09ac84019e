import type { NextAction } from './operations.ts'
import { toNextWords, toProviderName } from './words.ts'

/** The next action of the user. */
export function Next({ action }: { action: NextAction }) {
  const { title, text, button } = toNextWords(action)
  return (
    <section className={`card next ${action.kind.toLowerCase()}`} aria-live="polite">
      <h2>{title}</h2>
      <p>{text}</p>
      {action.url && button && (
        <a className="button" href={action.url} target="_blank" rel="noopener noreferrer">
          {button} {action.session && toProviderName(action.session.provider)}
          <span aria-hidden="true"> ↗</span>
        </a>
      )}
    </section>
  )
}
