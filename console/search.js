import { tell } from './api.js'
import { card, empty, h } from './elements.js'
import { sessionTable } from './sessions.js'

/** What was asked last, in this page only: somebody's id stands in no address. */
let asked = ''

/** @type {import('./main.js').View<{ rows: SessionRow[] } | null>} */
export const search = {
  title: 'Search',
  lead: 'The sessions of one of your users, by the external id that you gave.',
  load: async () => (asked ? tell('/search', { externalId: asked }) : null),
  draw: (data, { again }) => {
    const input = h('input', {
      id: 'external-id',
      name: 'external-id',
      required: true,
      maxlength: 256,
      autocomplete: 'off',
      spellcheck: 'false',
    })
    input.value = asked
    /** @param {Event} event */
    const submit = event => {
      event.preventDefault()
      asked = input.value.trim()
      again()
    }
    return [
      card(
        'By external id',
        h(
          'form',
          { class: 'search', role: 'search', submit },
          h('label', { for: 'external-id' }, 'External id'),
          input,
          h('button', { class: 'main' }, 'Search'),
        ),
      ),
      data && card('Found', data.rows.length > 0 ? sessionTable('The newest first, 50 at most', data.rows) : nothing()),
    ]
  },
}

const nothing = () =>
  empty('No session has this external id.', 'It is compared letter by letter: look for spaces and capitals.')
