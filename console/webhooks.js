import { get, post } from './api.js'
import { confirm } from './confirm.js'
import { badge, card, choice, empty, figure, formatDuration, formatTime, h, table, toLabel } from './elements.js'

/** @type {import('./main.js').View<WebhooksAnswer>} */
export const webhooks = {
  title: 'Webhooks',
  lead: 'Deliveries from providers, their state, and the time until they were applied.',
  load: params => get(`/webhooks?${params}`),
  draw: (data, context) => [
    h(
      'dl',
      { class: 'figures card' },
      figure('Waiting', data.waiting.toLocaleString(), data.waiting > 0 ? 'warning' : 'good'),
      figure(
        'Longest wait',
        data.waiting > 0 ? formatDuration(data.lagMs) : 'none',
        data.lagMs > 60_000 ? 'bad' : 'good',
      ),
      figure('Quarantined', data.quarantined.toLocaleString(), data.quarantined > 0 ? 'bad' : 'good'),
    ),
    endpoints(data),
    inbox(data, context),
  ],
}

/** @param {WebhooksAnswer} data */
function endpoints({ endpoints: rows }) {
  if (rows.length === 0)
    return card('Endpoints', empty('No endpoints.', 'Add one with: sessiongraph webhooks add <provider>.'))
  return card(
    'Endpoints',
    table(
      'Webhook endpoints',
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
    choice('State', 'state', ['STORED', 'QUARANTINED'], state, choose),
  )
  if (rows.length === 0 && state) return card('Inbox', filters, empty('No deliveries in this state.', 'Choose “All”.'))
  if (rows.length === 0)
    return card('Inbox', empty('No deliveries.', 'Register an endpoint in the provider’s dashboard.'))
  return card(
    'Inbox',
    filters,
    table(
      'Newest first',
      [
        ['Received', row => formatTime(row.receivedAt)],
        ['Provider', row => toLabel(row.provider)],
        ['Event', row => (row.event ? h('code', { class: 'whole' }, row.event) : 'Unreadable')],
        ['State', row => badge(row.state)],
        ['Applied after', row => formatDuration(row.lagMs), 'named'],
        ['Attempts', row => row.attempts, 'named'],
        [
          '',
          row =>
            h(
              'button',
              {
                type: 'button',
                'aria-label': `Replay ${row.event ?? 'a delivery'} of ${toLabel(row.provider)}`,
                click: () => replay(row, reload),
              },
              'Replay …',
            ),
        ],
      ],
      rows,
      'flow',
    ),
    cut && h('p', { class: 'note' }, 'Only the newest 100 are shown.'),
  )
}

/** @param {DeliveryRow} row @param {() => void} done */
function replay(row, done) {
  confirm({
    title: 'Apply this delivery again?',
    about: [
      h(
        'p',
        {},
        h('code', {}, row.event ?? 'an unreadable delivery'),
        ` of ${toLabel(row.provider)}, received `,
        formatTime(row.receivedAt),
        '.',
      ),
      h('p', {}, 'The delivery is processed as if it had just arrived. Newer data is not overwritten.'),
    ],
    label: 'Replay',
    act: async () => {
      const { row: after } = /** @type {{ row: DeliveryRow }} */ (await post(`/webhooks/${row.id}/replay`, {}))
      return `Replayed: the delivery is ${toLabel(after.state).toLowerCase()}.`
    },
    done,
  })
}
