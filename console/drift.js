import { get } from './api.js'
import { badge, card, choice, empty, formatTime, h, table, toLabel, wrapLong } from './elements.js'

/** @type {import('./main.js').View<DriftAnswer>} */
export const drift = {
  title: 'Changes of provider responses',
  lead: 'Where providers answer something else than their documentation says. Field names and types are shown, never values.',
  load: params => get(`/drift?${params}`),
  draw: ({ rows, cut }, { params, providers, choose }) => [
    h(
      'form',
      { class: 'filters', 'aria-label': 'Filter drift', submit: event => event.preventDefault() },
      choice('Provider', 'provider', providers, params.get('provider'), choose),
    ),
    rows.length === 0
      ? empty('No changes.', 'All responses match the documentation.')
      : card('Found', list(rows), cut && h('p', { class: 'note' }, 'Only the newest 200 are shown.')),
  ],
}

/** @param {DriftRow[]} rows */
function list(rows) {
  return table(
    'Newest first',
    [
      ['Last seen', row => formatTime(row.lastAt)],
      ['Provider', row => toLabel(row.provider)],
      ['Call', row => h('code', { class: 'whole' }, row.operation)],
      ['Effect', row => badge(row.grade)],
      ['Field', row => (row.path ? wrapLong(row.path) : 'the whole response'), 'named'],
      ['Type', row => h('code', {}, row.shape ?? '–'), 'named'],
      ['Count', row => row.count.toLocaleString(), 'named'],
      ['First seen', row => formatTime(row.firstAt), 'named'],
    ],
    rows,
    'flow',
  )
}
