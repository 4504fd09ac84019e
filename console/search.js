import { post } from './api.js'
import { badge, card, empty, formatTime, h, table, toLabel } from './elements.js'
import { recordOf } from './operations.js'
import { sessionTable } from './sessions.js'

/** The last search, in memory only: a person's id must not be in the URL. */
let searched = ''

/** Sets the text of the next search. @param {string} text */
export function setSearched(text) {
  searched = text
}

/** @type {import('./main.js').View<SearchAnswer | null>} */
export const search = {
  title: 'Search results',
  lead: 'Finds our id, the provider’s id, your own (external) id, the id of a request, an idempotency key, or an e-mail address, each in full.',
  load: async () => (searched ? post('/search', { query: searched }) : null),
  draw: data =>
    data
      ? results(data)
      : [empty('Nothing was searched yet.', 'Enter an id or an e-mail address in the field at the top.')],
}

/** @param {SearchAnswer} answer */
function results(answer) {
  return [
    ...found(answer),
    answer.denied.length > 0 &&
      empty('Not everything was searched.', `This API key does not have ${answer.denied.join(', ')}.`),
  ]
}

/** @param {SearchAnswer} answer */
function found({ sessions, applicants, customers, creates }) {
  if (sessions.length + applicants.length + customers.length + creates.length === 0)
    return [empty(`Nothing was found for “${searched}”.`, 'The search is exact: check spaces and upper case.')]
  return [
    h('p', {}, 'Results for ', h('code', {}, searched)),
    sessions.length > 0 && card('Sessions', sessionTable(NEWEST, sessions)),
    creates.length > 0 && card('Requests', requests(creates)),
    applicants.length > 0 && card('Applicants', records(applicants)),
    customers.length > 0 && card('Customers', records(customers)),
  ]
}

const NEWEST = 'Newest first, maximum 50'

/** @param {CreateRow[]} rows */
const requests = rows =>
  table(
    NEWEST,
    [
      ['Requested', row => formatTime(row.createdAt)],
      ['Record', row => `${recordOf(row)} at ${toLabel(row.provider)}`],
      ['Result', row => badge(row.state)],
      ['Error', row => row.errorMessage ?? '–'],
      ['Request id', row => h('code', {}, row.requestId ?? '–')],
      ['Idempotency key', row => h('code', {}, row.idempotencyKey)],
    ],
    rows,
  )

/** @param {RecordRow[]} rows */
const records = rows =>
  table(
    NEWEST,
    [
      ['Created', row => formatTime(row.createdAt)],
      ['Provider', row => toLabel(row.provider)],
      ['Id at the provider', row => h('code', {}, row.providerId)],
      ['Our id', row => h('code', {}, row.graphqlId)],
    ],
    rows,
  )
