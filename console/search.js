import { post } from './api.js'
import { card, empty, formatTime, h, table, toLabel } from './elements.js'
import { sessionTable } from './sessions.js'

/** The last search, in memory only: a person's id must not be in the URL. */
let searchedId = ''

/** Sets the id of the next search. @param {string} externalId */
export function setSearchedId(externalId) {
  searchedId = externalId
}

/** @type {import('./main.js').View<SearchAnswer | null>} */
export const search = {
  title: 'Search',
  lead: 'Sessions, applicants and customers of one of your users, by external id.',
  load: async () => (searchedId ? post('/search', { externalId: searchedId }) : null),
  draw: (data, { reload }) => [card('By external id', searchForm(reload)), ...(data ? results(data) : [])],
}

/** @param {() => void} reload */
function searchForm(reload) {
  const input = h('input', {
    id: 'external-id',
    name: 'external-id',
    required: true,
    maxlength: 256,
    autocomplete: 'off',
    spellcheck: 'false',
  })
  input.value = searchedId
  /** @param {Event} event */
  const submit = event => {
    event.preventDefault()
    searchedId = input.value.trim()
    reload()
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
function results({ sessions, applicants, customers, denied }) {
  const scopes = denied.map(type => `${type}:read`).join(', ')
  return [
    ...found({ sessions, applicants, customers, denied }),
    denied.length > 0 && empty('Not everything is shown.', `This API key does not have ${scopes}.`),
  ]
}

/** @param {SearchAnswer} answer */
function found({ sessions, applicants, customers }) {
  if (sessions.length + applicants.length + customers.length === 0)
    return [empty('No records with this external id.', 'The search is exact: check spaces and upper case.')]
  return [
    sessions.length > 0 && card('Sessions', sessionTable(NEWEST, sessions)),
    applicants.length > 0 && card('Applicants', records(applicants)),
    customers.length > 0 && card('Customers', records(customers)),
  ]
}

const NEWEST = 'Newest first, maximum 50'

/** @param {RecordRow[]} rows */
const records = rows =>
  table(
    NEWEST,
    [
      ['Created', row => formatTime(row.createdAt)],
      ['Provider', row => toLabel(row.provider)],
      ['Id at the provider', row => h('code', {}, row.providerId)],
      ['Id in GraphQL', row => h('code', {}, row.graphqlId)],
    ],
    rows,
    'flow',
  )
