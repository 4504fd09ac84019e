import { ask, tell } from './api.js'
import { confirm } from './confirm.js'
import { badge, card, choice, empty, figure, h, lasting, say, table, when } from './elements.js'

/** @type {import('./main.js').View<WebhooksAnswer>} */
export const webhooks = {
  title: 'Webhooks',
  lead: 'What providers delivered, whether it is applied, and how long that took.',
  load: params => ask(`/webhooks?${params}`),
  draw: (data, context) => [
    h(
      'dl',
      { class: 'figures card' },
      figure('Waiting', data.waiting.toLocaleString(), data.waiting > 0 ? 'wary' : 'good'),
      figure('Longest wait', data.waiting > 0 ? lasting(data.lagMs) : 'none', data.lagMs > 60_000 ? 'bad' : 'good'),
      figure('Quarantined', data.quarantined.toLocaleString(), data.quarantined > 0 ? 'bad' : 'good'),
    ),
    endpoints(data),
    inbox(data, context),
  ],
}

/** @param {WebhooksAnswer} data */
function endpoints({ endpoints: rows }) {
  if (rows.length === 0)
    return card('Addresses', empty('No address is open.', 'Open one with: sessiongraph webhooks add <provider>.'))
  return card(
    'Addresses',
    table(
      'Where providers deliver to',
      [
        ['Provider', row => say(row.provider)],
        ['Address', row => h('code', {}, `/webhooks/${row.provider.toLowerCase()}/${row.id}`)],
        ['Last delivery', row => (row.lastReceivedAt ? when(row.lastReceivedAt) : 'never')],
      ],
      rows,
    ),
  )
}

/** @param {WebhooksAnswer} data @param {import('./main.js').Context} context */
function inbox({ rows, cut }, { params, choose, again }) {
  const state = params.get('state')
  const filters = h(
    'form',
    { class: 'filters', 'aria-label': 'Which deliveries', submit: event => event.preventDefault() },
    choice('State', 'state', ['STORED', 'QUARANTINED'], state, choose),
  )
  if (rows.length === 0 && state) return card('Inbox', filters, empty('No delivery is in this state.', 'Choose “All”.'))
  if (rows.length === 0)
    return card(
      'Inbox',
      empty('Nothing was delivered.', 'Deliveries are here once a provider sends to one of the addresses.'),
    )
  return card(
    'Inbox',
    filters,
    table(
      'The newest first',
      [
        ['Received', row => when(row.receivedAt)],
        ['Provider', row => say(row.provider)],
        ['Event', row => (row.event ? h('code', { class: 'whole' }, row.event) : 'Not understood')],
        ['State', row => badge(row.state)],
        ['Applied after', row => lasting(row.lagMs), 'named'],
        ['Tries', row => row.tries, 'named'],
        [
          '',
          row =>
            h(
              'button',
              {
                type: 'button',
                'aria-label': `Replay ${row.event ?? 'a delivery'} of ${say(row.provider)}`,
                click: () => replay(row, again),
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
        h('code', {}, row.event ?? 'a delivery that was not understood'),
        ` of ${say(row.provider)}, received `,
        when(row.receivedAt),
        '.',
      ),
      h('p', {}, 'It is read as if it had just come in. What is known to be newer is not overwritten.'),
    ],
    word: 'Replay',
    act: async () => {
      const { row: after } = /** @type {{ row: DeliveryRow }} */ (await tell(`/webhooks/${row.id}/replay`, {}))
      return `Replayed: the delivery is ${say(after.state).toLowerCase()}.`
    },
    done,
  })
}
