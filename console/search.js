import { post } from './api.js'
import { badge, card, empty, formatTime, h, table, toLabel } from './elements.js'
import { describeSends, reasonOf, recordOf, settleButton } from './operations.js'
import { sessionTable } from './sessions.js'
import { deliveryTable } from './webhooks.js'

/** The last search, in memory only: a person's id must not be in the URL. */
let searched = ''

/** Sets the text of the next search. @param {string} text */
export function setSearched(text) {
  searched = text
}

/** A link that searches for an id. @param {string} id */
export const findLink = id =>
  h(
    'a',
    { href: '#/search', class: 'cut', title: id, 'aria-label': `Find ${id}`, click: () => setSearched(id) },
    h('code', {}, id),
  )

/** @type {import('./main.js').View<SearchAnswer | null>} */
export const search = {
  title: 'Search results',
  lead: 'Finds every id in full: ours and the provider’s ids of sessions, people, attempts, requests, deliveries and events, your own (external) id, an idempotency key, or an e-mail address.',
  load: async () => (searched ? post('/search', { query: searched }) : null),
  draw: (data, { reload }) =>
    data
      ? results(data, reload)
      : [empty('Nothing was searched yet.', 'Enter an id or an e-mail address in the field at the top.')],
}

/** @param {SearchAnswer} answer @param {() => void} reload */
function results(answer, reload) {
  return [
    ...found(answer, reload),
    answer.denied.length > 0 &&
      empty('Not everything was searched.', `This API key does not have ${answer.denied.join(', ')}.`),
  ]
}

/** @param {SearchAnswer} answer @param {() => void} reload */
function found({ sessions, applicants, customers, creates, deliveries }, reload) {
  if ([sessions, applicants, customers, creates, deliveries].every(({ length }) => length === 0))
    return [empty(`Nothing was found for “${searched}”.`, 'The search is exact: check spaces and upper case.')]
  return [
    h('p', {}, 'Results for ', h('code', {}, searched)),
    sessions.length > 0 && card('Sessions', sessionTable(NEWEST, sessions)),
    creates.length > 0 && card('Requests', requests(creates, reload)),
    deliveries.length > 0 && card('Webhook deliveries', deliveryTable(NEWEST, deliveries, reload)),
    applicants.length > 0 && card('Applicants', records(applicants)),
    customers.length > 0 && card('Customers', records(customers)),
  ]
}

const NEWEST = 'Newest first, maximum 50'

/** @param {CreateRow[]} rows @param {() => void} reload */
const requests = (rows, reload) =>
  table(
    NEWEST,
    [
      ['Requested', row => formatTime(row.createdAt)],
      ['Record', row => `${recordOf(row)} at ${toLabel(row.provider)}`],
      ['Result', row => badge(row.state)],
      ['Error', row => reasonOf(row)],
      ['Sent', row => describeSends(row)],
      ['Request id', row => h('code', {}, row.requestId ?? '–')],
      ['Idempotency key', row => h('code', {}, row.idempotencyKey)],
      ['Our id', row => h('code', { class: 'cut', title: row.id }, row.id)],
      ['', row => placeOf(row, reload)],
    ],
    rows,
  )

/** Where the request is settled, or its session. @param {CreateRow} row @param {() => void} reload */
function placeOf(row, reload) {
  if (row.state === 'UNKNOWN') return settleButton(row, reload)
  if (row.kind !== 'CREATE_SESSION' || !row.recordId) return null
  return h(
    'a',
    { href: `#/session/${row.recordId}`, 'aria-label': `Open the session of ${row.idempotencyKey}` },
    'Open',
  )
}

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
