import { get, post } from './api.js'
import { confirm, EndedError } from './confirm.js'
import { card, empty, formatExactTime, formatTime, h, nameProvider, notify, table, toLabel } from './elements.js'

/** @type {import('./main.js').View<OperationsAnswer>} */
export const operations = {
  title: 'Unconfirmed requests',
  lead: 'Requests for a new session, applicant or customer whose answer from the provider got lost: nobody knows yet whether the record exists.',
  load: () => get('/operations'),
  draw: ({ rows, cut }, { reload }) => {
    if (rows.length === 0) return [empty('No unconfirmed requests.', 'The result of every request is known.')]
    return [
      card('Result unknown', list(rows, reload), cut && h('p', { class: 'note' }, 'Only the newest 100 are shown.')),
    ]
  },
}

/** @param {OperationRow[]} rows @param {() => void} reload */
function list(rows, reload) {
  return table(
    'Newest first',
    [
      ['Requested', row => formatTime(row.createdAt)],
      ['Record', row => `${recordOf(row)} at ${toLabel(row.provider)}`],
      ['Why', row => reasonOf(row)],
      ['Sent', row => describeSends(row)],
      ['Idempotency key', row => h('code', {}, row.idempotencyKey)],
      [
        'What happens next',
        row =>
          row.settlesItself
            ? h('span', {}, 'The server looks for it: ', formatTime(row.nextCheckAt))
            : 'Nothing: settle it here',
      ],
      ['', row => settleButton(row, reload)],
    ],
    rows,
  )
}

/** Why the result is not known, or why it failed. @param {Pick<CreateRow, 'errorCode' | 'errorMessage' | 'provider'>} row */
export const reasonOf = ({ errorCode, errorMessage, provider }) =>
  errorMessage === null ? toLabel(errorCode) : nameProvider(errorMessage, provider)

/** How often it was sent, by callers and by the server. @param {Pick<OperationRow, 'sendCount'>} row */
export const describeSends = ({ sendCount }) =>
  sendCount === 0 ? 'never' : sendCount === 1 ? 'once' : `${sendCount} times`

/** What the request makes, such as “New session”. @param {Pick<OperationRow, 'kind'>} row */
export const recordOf = ({ kind }) => `New ${recordTypeOf(kind)}`

/** @param {string} kind */
const recordTypeOf = kind => toLabel(kind.replace('CREATE_', '')).toLowerCase()

/** @param {Pick<CreateRow, 'id' | 'idempotencyKey'>} row @param {() => void} done */
export function settleButton({ id, idempotencyKey }, done) {
  const button = h(
    'button',
    { type: 'button', name: `settle-${id}`, 'aria-label': `Settle ${idempotencyKey}`, click: open },
    'Settle …',
  )
  async function open() {
    button.disabled = true
    try {
      const { row } = /** @type {OperationAnswer} */ (await get(`/operations/${id}`))
      if (row.state === 'UNKNOWN') settle(row, done)
      else done()
    } catch (error) {
      notify(error instanceof Error ? error.message : 'Unexpected error.', 'bad')
    } finally {
      button.disabled = false
    }
  }
  return button
}

/** @param {OperationAnswer['row']} row @param {() => void} done */
function settle(row, done) {
  const what = recordTypeOf(row.kind)
  const found = h('input', {
    name: 'found',
    id: 'found',
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: 200,
    disabled: true,
  })
  const confirmed = h('input', { type: 'checkbox', name: 'confirmed', disabled: true, required: true })
  /** @param {Event} event */
  const change = event => {
    const wasFound = /** @type {HTMLInputElement} */ (event.target).value === 'found'
    found.disabled = !wasFound
    found.required = wasFound
    confirmed.disabled = !wasFound
    if (wasFound) found.focus()
  }
  confirm({
    title: `Does this ${what} exist at ${toLabel(row.provider)}?`,
    about: [
      ...showSearchHints(row),
      h(
        'fieldset',
        {},
        h('legend', {}, 'What did you find?'),
        h(
          'label',
          { class: 'radio' },
          h('input', { type: 'radio', name: 'resolution', value: 'absent', required: true, change }),
          'It was not created: the client may send the request again',
        ),
        ...(row.foundCheck === 'UNSUPPORTED' ? [notSettledAsFound(row)] : askForId(row, found, confirmed, change)),
      ),
      h('p', { class: 'note' }, 'This cannot be undone. It is recorded with your API key under Activity.'),
    ],
    label: 'Settle',
    act: async form => {
      const absent = form.get('resolution') === 'absent'
      const id = String(form.get('found') ?? '').trim()
      const isConfirmed = form.has('confirmed')
      const resolution = absent ? { absent: true } : { found: id, ...(isConfirmed && { confirmed: true }) }
      await post(`/operations/${row.id}/settle`, resolution).catch(error => throwIfSettled(row.id, error))
      return absent ? 'Settled: it was not created.' : 'Settled: it was created.'
    },
    done,
  })
}

/** Throws an EndedError if somebody else settled the request meanwhile, else `error`. @param {string} id @param {unknown} error */
async function throwIfSettled(id, error) {
  const { row } = /** @type {OperationAnswer} */ (
    await get(`/operations/${id}`).catch(() => {
      throw error
    })
  )
  if (row.state === 'UNKNOWN') throw error
  const result = row.state === 'SUCCEEDED' ? 'it was created' : 'it was not created'
  throw new EndedError(`It is settled already: ${result}. Nothing was changed.`)
}

/**
 * @param {OperationRow} row @param {HTMLInputElement} found @param {HTMLInputElement} confirmed
 * @param {(event: Event) => void} change
 */
function askForId({ provider, foundCheck }, found, confirmed, change) {
  const name = toLabel(provider)
  return [
    h(
      'label',
      { class: 'radio' },
      h('input', { type: 'radio', name: 'resolution', value: 'found', change }),
      'It was created',
    ),
    h('label', { for: 'found' }, `Its id at ${name}`),
    found,
    ...(foundCheck === 'UNCHECKED'
      ? [
          h(
            'p',
            { class: 'notice warning' },
            `${name} cannot show such a record by its id, so this server cannot check the id. A wrong one would connect the client to nothing, or to somebody else’s record.`,
          ),
          h('label', { class: 'radio' }, confirmed, `I compared the id with ${name}’s dashboard`),
        ]
      : [
          h('p', { class: 'note' }, `The id is read at ${name} first; if it does not exist there, nothing is settled.`),
        ]),
  ]
}

/** @param {OperationRow} row */
const notSettledAsFound = ({ provider }) =>
  h(
    'p',
    { class: 'note' },
    `This server cannot read such records from ${toLabel(provider)}. If it was created, leave the request as it is.`,
  )

/** What to search for at the provider, from the sent input. @param {OperationAnswer['row']} row */
function showSearchHints({ kind, provider, searchHints: hints }) {
  const record = recordTypeOf(kind)
  const what = `${record === 'applicant' ? 'an' : 'a'} ${record}`
  if (!hints)
    return [h('p', {}, `Check ${toLabel(provider)}’s dashboard first. The sent input is no longer stored here.`)]
  const { from, to, traces, warning } = hints
  return [
    h('p', {}, `Check ${toLabel(provider)}’s dashboard first, for ${what} with all of these values:`),
    h(
      'dl',
      { class: 'hints' },
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
