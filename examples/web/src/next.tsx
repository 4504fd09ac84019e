import type { NextAction } from './operations.ts'
import { NEXT, PROVIDERS } from './words.ts'

/** The one thing to do next. */
export function Next({ action }: { action: NextAction }) {
  const { title, text, button } = NEXT[action.kind]
  const at = action.session && PROVIDERS[action.session.provider].name
  return (
    <section className={`card next ${action.kind.toLowerCase()}`} aria-live="polite">
      <h2>{title}</h2>
      <p>{text}</p>
      {action.url && button && (
        <a className="button" href={action.url} target="_blank" rel="noopener noreferrer">
          {button} {at}
          <span aria-hidden="true"> ↗</span>
        </a>
      )}
    </section>
  )
}
