import { ask, tell } from './api.js'
import { confirm } from './confirm.js'
import { card, empty, h, say, table, when } from './elements.js'

/** @type {import('./main.js').View<OperationsAnswer>} */
export const operations = {
  title: 'Stuck creates',
  lead: 'Creates whose answer was lost, so that nobody knows whether the provider made them. Look there, then say so here.',
  load: () => ask('/operations'),
  draw: ({ rows, cut }, { again }) => {
    if (rows.length === 0) return [empty('Nothing is stuck.', 'Every create is known to be made or not made.')]
    return [
      card('Outcome unknown', list(rows, again), cut && h('p', { class: 'note' }, 'Only the newest 100 are shown.')),
    ]
  },
}

/** @param {OperationRow[]} rows @param {() => void} again */
function list(rows, again) {
  return table(
    'The newest first',
    [
      ['Created', row => when(row.createdAt)],
      ['What', row => `${say(row.kind)} at ${say(row.provider)}`],
      ['Idempotency key', row => h('code', {}, row.idempotencyKey)],
      ['Our reference there', row => h('code', {}, row.reference)],
      ['Why', row => say(row.errorCode)],
      ['Next look', row => (row.settlesItself ? when(row.nextCheckAt) : 'None: it waits for you')],
      [
        '',
        row =>
          h(
            'button',
            { type: 'button', 'aria-label': `Settle ${row.idempotencyKey}`, click: () => settle(row, again) },
            'Settle …',
          ),
      ],
    ],
    rows,
  )
}

/** @param {OperationRow} row @param {() => void} done */
function settle(row, done) {
  const what = say(row.kind).toLowerCase()
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
    const made = /** @type {HTMLInputElement} */ (event.target).value === 'found'
    found.disabled = !made
    found.required = made
    if (made) found.focus()
  }
  confirm({
    title: `Settle this ${what}`,
    about: [
      h(
        'p',
        {},
        `Look at ${say(row.provider)}’s dashboard for the reference `,
        h('code', {}, row.reference),
        ' first. This cannot be undone.',
      ),
      h(
        'fieldset',
        {},
        h('legend', {}, 'What did you find?'),
        h(
          'label',
          { class: 'radio' },
          h('input', { type: 'radio', name: 'verdict', value: 'absent', required: true, change }),
          `It was never made: the same key may send it again`,
        ),
        h(
          'label',
          { class: 'radio' },
          h('input', { type: 'radio', name: 'verdict', value: 'found', change }),
          `It was made`,
        ),
        h('label', { for: 'found' }, `Its id at ${say(row.provider)}`),
        found,
      ),
    ],
    word: 'Settle',
    act: async form => {
      const absent = form.get('verdict') === 'absent'
      const verdict = absent ? { absent: true } : { found: String(form.get('found') ?? '').trim() }
      await tell(`/operations/${row.id}/settle`, verdict)
      return absent ? 'Settled: it was never made.' : 'Settled: it was made.'
    },
    done,
  })
}
