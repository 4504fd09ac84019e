import { get, post } from './api.js'
import { confirm } from './confirm.js'
import { card, empty, formatExactTime, formatTime, h, table, toLabel } from './elements.js'

/** @type {import('./main.js').View<OperationsAnswer>} */
export const operations = {
  title: 'Unknown creates',
  lead: 'The provider’s response to these creates is missing. Check at the provider whether the record exists, then settle the create here.',
  load: () => get('/operations'),
  draw: ({ rows, cut }, { reload }) => {
    if (rows.length === 0) return [empty('No unknown creates.', 'The outcome of every create is known.')]
    return [
      card('Outcome unknown', list(rows, reload), cut && h('p', { class: 'note' }, 'Only the newest 100 are shown.')),
    ]
  },
}

/** @param {OperationRow[]} rows @param {() => void} reload */
function list(rows, reload) {
  return table(
    'Newest first',
    [
      ['Created', row => formatTime(row.createdAt)],
      ['Record', row => `${recordOf(row)} at ${toLabel(row.provider)}`],
      ['Idempotency key', row => h('code', {}, row.idempotencyKey)],
      ['Error', row => toLabel(row.errorCode)],
      ['Next check', row => (row.settlesItself ? formatTime(row.nextCheckAt) : 'None: settle it here')],
      [
        '',
        row =>
          h(
            'button',
            { type: 'button', 'aria-label': `Settle ${row.idempotencyKey}`, click: () => settle(row, reload) },
            'Settle …',
          ),
      ],
    ],
    rows,
  )
}

/** What the operation creates, such as Session. @param {Pick<OperationRow, 'kind'>} row */
const recordOf = ({ kind }) => toLabel(kind.replace('CREATE_', ''))

/** @param {OperationRow} row @param {() => void} done */
function settle(row, done) {
  const what = recordOf(row).toLowerCase()
  const found = h('input', {
    name: 'found',
    id: 'found',
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: 200,
    disabled: true,
  })
  /** @param {Event} event */
  const change = event => {
    const wasFound = /** @type {HTMLInputElement} */ (event.target).value === 'found'
    found.disabled = !wasFound
    found.required = wasFound
    if (wasFound) found.focus()
  }
  confirm({
    title: `Settle this ${what}`,
    about: [
      ...showSearchHints(row),
      h('p', {}, 'This cannot be undone.'),
      h(
        'fieldset',
        {},
        h('legend', {}, 'What did you find?'),
        h(
          'label',
          { class: 'radio' },
          h('input', { type: 'radio', name: 'resolution', value: 'absent', required: true, change }),
          `It was not created: the same idempotency key can be used again`,
        ),
        h(
          'label',
          { class: 'radio' },
          h('input', { type: 'radio', name: 'resolution', value: 'found', change }),
          `It was created`,
        ),
        h('label', { for: 'found' }, `Its id at ${toLabel(row.provider)}`),
        found,
      ),
    ],
    label: 'Settle',
    act: async form => {
      const absent = form.get('resolution') === 'absent'
      const resolution = absent ? { absent: true } : { found: String(form.get('found') ?? '').trim() }
      await post(`/operations/${row.id}/settle`, resolution)
      return absent ? 'Settled: it was not created.' : 'Settled: it was created.'
    },
    done,
  })
}

/** What to search for at the provider, from the sent input. @param {OperationRow} row */
function showSearchHints({ kind, provider, searchHints: hints }) {
  const record = recordOf({ kind }).toLowerCase()
  const what = `${record === 'applicant' ? 'an' : 'a'} ${record}`
  if (!hints)
    return [h('p', {}, `Check ${toLabel(provider)}’s dashboard first. The sent input is no longer stored here.`)]
  const { from, to, traces, warning } = hints
  return [
    h('p', {}, `Check ${toLabel(provider)}’s dashboard first, for ${what} with all of these values:`),
    h(
      'dl',
      {},
      h('dt', {}, 'Created'),
      h('dd', {}, 'between ', formatExactTime(from), ' and ', formatExactTime(to)),
      ...traces.flatMap(({ where, value }) => [
        h('dt', {}, where),
        h('dd', {}, value === null ? 'visible only with the scope pii:read' : h('code', {}, value)),
      ]),
    ),
    warning !== null && h('p', { class: 'notice warning' }, warning),
  ]
}
