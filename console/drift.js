import { ask } from './api.js'
import { badge, breakable, card, choice, empty, h, say, table, when } from './elements.js'

/** @type {import('./main.js').View<DriftAnswer>} */
export const drift = {
  title: 'Drift',
  lead: 'Where providers answer something else than their documentation says: names and types only, never a value.',
  load: params => ask(`/drift?${params}`),
  draw: ({ rows, cut }, { params, providers, choose }) => [
    h(
      'form',
      { class: 'filters', 'aria-label': 'Which drift', submit: event => event.preventDefault() },
      choice('Provider', 'provider', providers, params.get('provider'), choose),
    ),
    rows.length === 0
      ? empty('No drift was seen.', 'Providers answer what they document.')
      : card('What was seen', list(rows), cut && h('p', { class: 'note' }, 'Only the newest 200 are shown.')),
  ],
}

/** @param {DriftRow[]} rows */
function list(rows) {
  return table(
    'The newest first',
    [
      ['Last seen', row => when(row.lastAt)],
      ['Provider', row => say(row.provider)],
      ['Call', row => h('code', { class: 'whole' }, row.operation)],
      ['Grade', row => badge(row.grade)],
      ['Where', row => (row.path ? breakable(row.path) : 'the answer itself'), 'named'],
      ['What stood there', row => h('code', {}, row.shape ?? '–'), 'named'],
      ['Times', row => row.count.toLocaleString(), 'named'],
      ['First seen', row => when(row.firstAt), 'named'],
    ],
    rows,
    'flow',
  )
}
