import { tell } from './api.js'
import { card, empty, h, say, table, when } from './elements.js'
import { sessionTable } from './sessions.js'

/** What was asked last, in this page only: somebody's id stands in no address. */
let asked = ''

/** The next search is for this one. @param {string} externalId */
export function askFor(externalId) {
  asked = externalId
}

/** @type {import('./main.js').View<SearchAnswer | null>} */
export const search = {
  title: 'Search',
  lead: 'All that carries the external id of one of your users: sessions, applicants and customers.',
  load: async () => (asked ? tell('/search', { externalId: asked }) : null),
  draw: (data, { again }) => [card('By external id', question(again)), ...(data ? found(data) : [])],
}

/** @param {() => void} again */
function question(again) {
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
  return h(
    'form',
    { class: 'search', role: 'search', submit },
    h('label', { for: 'external-id' }, 'External id'),
    input,
    h('button', { class: 'main' }, 'Search'),
  )
}

/** @param {SearchAnswer} answer */
function found({ sessions, applicants, customers }) {
  if (sessions.length + applicants.length + customers.length === 0)
    return [empty('Nothing has this external id.', 'It is compared letter by letter: look for spaces and capitals.')]
  return [
    sessions.length > 0 && card('Sessions', sessionTable(NEWEST, sessions)),
    applicants.length > 0 && card('Applicants', records(applicants)),
    customers.length > 0 && card('Customers', records(customers)),
  ]
}

const NEWEST = 'The newest first, 50 at most'

/** @param {RecordRow[]} rows */
const records = rows =>
  table(
    NEWEST,
    [
      ['Created', row => when(row.createdAt)],
      ['Provider', row => say(row.provider)],
      ['Id at the provider', row => h('code', {}, row.providerId)],
      ['Id in GraphQL', row => h('code', {}, row.graphqlId)],
    ],
    rows,
    'flow',
  )
