import { get, post } from './api.js'
import { confirm } from './confirm.js'
import {
  badge,
  card,
  choice,
  empty,
  figure,
  formatDuration,
  formatTime,
  h,
  nameProvider,
  table,
  toLabel,
} from './elements.js'

/** @type {import('./main.js').View<WebhooksAnswer>} */
export const webhooks = {
  title: 'Webhooks',
  lead: 'What providers report to us by themselves: received, applied, and set aside with the reason.',
  load: params => get(`/webhooks?${params}`),
  draw: (data, context) => [
    h(
      'dl',
      { class: 'figures card' },
      figure('Waiting', data.waiting.toLocaleString(), data.lagMs > 60_000 ? 'warning' : 'plain'),
      figure(
        'Longest wait',
        data.waiting > 0 ? formatDuration(data.lagMs) : 'none',
        data.lagMs > 300_000 ? 'bad' : 'plain',
      ),
      figure('Could not be applied', data.quarantined.toLocaleString(), data.quarantined > 0 ? 'bad' : 'plain'),
    ),
    inbox(data, context),
    endpoints(data),
  ],
}

/** @param {WebhooksAnswer} data */
function endpoints({ endpoints: rows }) {
  if (rows.length === 0)
    return card('Addresses', empty('No addresses.', 'Add one with: sessiongraph webhooks add <provider>.'))
  return card(
    'Addresses',
    table(
      'Where providers deliver to',
      [
        ['Provider', row => toLabel(row.provider)],
        ['Path', row => h('code', {}, `/webhooks/${row.provider.toLowerCase()}/${row.id}`)],
        ['Last delivery', row => (row.lastReceivedAt ? formatTime(row.lastReceivedAt) : 'never')],
      ],
      rows,
    ),
  )
}

/** @param {WebhooksAnswer} data @param {import('./main.js').Context} context */
function inbox({ rows, cut }, { params, choose, reload }) {
  const state = params.get('state')
  const filters = h(
    'form',
    { class: 'filters', 'aria-label': 'Filter deliveries', submit: event => event.preventDefault() },
    choice('State', 'state', ['STORED', 'QUARANTINED', 'DISMISSED'], state, choose),
  )
  if (rows.length === 0 && state)
    return card('Deliveries', filters, empty('No deliveries in this state.', 'Choose “All”.'))
  if (rows.length === 0)
    return card('Deliveries', empty('No deliveries.', 'Register an address in the provider’s dashboard.'))
  return card(
    'Deliveries',
    filters,
    deliveryTable('Newest first', rows, reload),
    cut && h('p', { class: 'note' }, 'Only the newest 100 are shown.'),
  )
}

/** @param {string} caption @param {DeliveryRow[]} rows @param {() => void} reload */
export const deliveryTable = (caption, rows, reload) =>
  table(
    caption,
    [
      ['Received', row => formatTime(row.receivedAt)],
      ['Provider', row => toLabel(row.provider)],
      ['Event', row => (row.event ? h('code', {}, row.event) : 'Unreadable')],
      ['State', row => badge(row.state)],
      ['Result', row => describeResult(row), 'named'],
      [
        '',
        row =>
          row.state === 'QUARANTINED'
            ? h('div', { class: 'actions' }, replayButton(row, reload), dismissButton(row, reload))
            : moreActions(row, reload),
      ],
    ],
    rows,
    'flow',
  )

/** @param {DeliveryRow} row @param {() => void} reload */
const moreActions = (row, reload) => h('div', { class: 'actions' }, replayButton(row, reload, 'link'))

/** @param {DeliveryRow} row @returns {import('./elements.js').Child[]} */
function describeResult({ provider, state, lagMs, error, attempts, nextAttemptAt, dismissed }) {
  if (state === 'APPLIED') return [`after ${formatDuration(lagMs)}`]
  if (state === 'DISMISSED') return [h('span', { class: 'wrapped' }, `“${dismissed?.note ?? ''}”`)]
  const tries = attempts > 0 ? ` ${attempts === 1 ? 'One try' : `${attempts} tries`}.` : ''
  const next = state === 'STORED' && nextAttemptAt ? [' Next try: ', formatTime(nextAttemptAt)] : []
  return [h('span', {}, `${nameProvider(error?.message ?? 'Not tried yet.', provider)}${tries}`, ...next)]
}

/** @param {Pick<DeliveryRow, 'event' | 'provider'>} row */
export const deliveryName = ({ event, provider }) => `${event ?? 'Unreadable delivery'} of ${toLabel(provider)}`

/** @param {DeliveryRow} row @param {() => void} done @param {string} [look] */
export const replayButton = (row, done, look = '') =>
  h(
    'button',
    {
      type: 'button',
      class: look,
      name: `replay-${row.id}`,
      'aria-label': `Apply again: ${deliveryName(row)}`,
      click: () => replay(row, done),
    },
    'Apply again …',
  )

/** @param {DeliveryRow} row @param {() => void} done */
export const dismissButton = (row, done) =>
  h(
    'button',
    {
      type: 'button',
      name: `dismiss-${row.id}`,
      'aria-label': `Dismiss: ${deliveryName(row)}`,
      click: () => dismiss(row, done),
    },
    'Dismiss …',
  )

/** @param {DeliveryRow} row @param {() => void} done */
function replay(row, done) {
  confirm({
    title: 'Apply this delivery again?',
    about: [
      ...aboutDelivery(row),
      h('p', {}, 'It is processed as if it had just arrived. Newer data is not overwritten.'),
    ],
    label: 'Apply again',
    act: async () => {
      const { row: after } = /** @type {{ row: DeliveryRow | null }} */ (await post(`/webhooks/${row.id}/replay`, {}))
      if (after === null) return 'Deleted: it is about a person who was erased.'
      if (after.state === 'APPLIED') return 'Applied.'
      throw new Error(`It failed again. ${after.error?.message ?? 'No reason is recorded.'}`)
    },
    done,
  })
}

/** @param {DeliveryRow} row @param {() => void} done */
function dismiss(row, done) {
  confirm({
    title: 'Dismiss this delivery?',
    about: [
      ...aboutDelivery(row),
      h('p', {}, 'It is not applied, and no longer needs attention. It can still be applied later.'),
      h(
        'div',
        { class: 'fields' },
        h('label', { for: 'note' }, 'Why does it not matter?'),
        h('input', { id: 'note', name: 'note', required: true, maxlength: 500, autocomplete: 'off' }),
        h('p', { class: 'note' }, 'The note is stored with the delivery. Do not write personal data into it.'),
      ),
    ],
    label: 'Dismiss',
    act: async form => {
      await post(`/webhooks/${row.id}/dismiss`, { note: String(form.get('note') ?? '') })
      return 'Dismissed.'
    },
    done,
  })
}

/** @param {DeliveryRow} row */
const aboutDelivery = row => [
  h('p', {}, h('b', {}, deliveryName(row)), ', received ', formatTime(row.receivedAt), '.'),
  row.error && h('p', { class: 'notice warning' }, nameProvider(row.error.message, row.provider)),
]
