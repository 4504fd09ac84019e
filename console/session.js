import { get, post } from './api.js'
import { confirm } from './confirm.js'
import {
  badge,
  card,
  empty,
  figure,
  formatDuration,
  formatTime,
  h,
  notify,
  table,
  toLabel,
  toneOf,
} from './elements.js'
import { describeSends } from './operations.js'
import { setSearched } from './search.js'
import { deliveryTable } from './webhooks.js'

/** @type {import('./main.js').View<SessionAnswer>} */
export const session = {
  title: 'Session',
  lead: 'Everything that is known about it, and what can be done.',
  load: (_params, id) => get(`/sessions/${encodeURIComponent(id)}`),
  draw: (data, { reload }) => [
    facts(data, reload),
    h('div', { class: 'grid' }, timeline(data), h('div', { class: 'stack' }, attempts(data), request(data))),
    deliveries(data, reload),
  ],
}

/** @param {SessionAnswer} data */
const timeline = ({ events, cut }) =>
  card(
    'Timeline',
    events.length === 0 ? empty('No events.', 'By default events are deleted after 400 days.') : line(events),
    cut && h('p', { class: 'note' }, 'Only the first 500 events are shown.'),
  )

/** @param {SessionAnswer} data */
const attempts = ({ attempts: rows }) =>
  card(
    'Attempts and checks',
    rows.length === 0
      ? empty('None.', 'The person has not started, or the provider does not report attempts.')
      : table(
          'Oldest first',
          [
            ['Began', row => formatTime(row.createdAt)],
            ['Kind', row => toLabel(row.kind)],
            ['Status', row => badge(row.status)],
            ['Failure', row => h('code', {}, row.failureCode ?? '–'), 'named'],
            ['Id at the provider', row => h('code', { class: 'cut', title: row.providerId }, row.providerId), 'named'],
          ],
          rows,
          'flow',
        ),
  )

/** @param {SessionAnswer} data */
function request({ create }) {
  if (!create)
    return card(
      'Request',
      empty(
        'Not made here.',
        'The session was found at the provider, or its request is older than the retention period.',
      ),
    )
  return card(
    'Request',
    factList([
      ['Requested', formatTime(create.createdAt)],
      ['Result', badge(create.state)],
      ['Idempotency key', h('code', {}, create.idempotencyKey)],
      ['Request id', h('code', {}, create.requestId ?? '–')],
      ['Sent', describeSends(create)],
    ]),
  )
}

/** @param {SessionAnswer} data @param {() => void} reload */
const deliveries = ({ deliveries: rows }, reload) =>
  card(
    'Webhook deliveries',
    rows.length === 0
      ? empty('None.', 'The provider sent nothing about this session, or it is older than the retention period.')
      : deliveryTable('Newest first, maximum 50', rows, reload),
  )

/** @param {SessionAnswer} data @param {() => void} reload */
function facts({ session: row, actions }, reload) {
  return card(
    `${toLabel(row.provider)} session`,
    h(
      'dl',
      { class: 'figures' },
      figure('Status', badge(row.status)),
      figure('Outcome', badge(row.outcome)),
      figure('Provider’s own status', row.providerStatus ?? '–'),
      figure('Created', formatTime(row.createdAt)),
      figure('Changed', formatTime(row.updatedAt)),
    ),
    factList([
      ['External id', h('span', {}, ...user(row.externalId))],
      ['Id at the provider', h('code', {}, row.providerId)],
      ['Our id in the API', h('code', {}, row.graphqlId)],
      ['Our internal id', h('code', {}, row.id)],
    ]),
    h('h3', { class: 'spaced' }, 'What can be done'),
    h('div', { class: 'actions' }, ...refresh(row, actions.refresh, reload), ...cancel(row, actions.cancel, reload)),
  )
}

/** @param {[name: string, value: import('./elements.js').Child][]} rows */
const factList = rows =>
  h('dl', { class: 'facts' }, ...rows.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))))

/** Why an action is not offered. @type {Record<string, string>} */
const REASONS = {
  DENIED: 'this API key does not have sessions:write',
  ENDED: 'it has ended',
  NOT_CONNECTED: 'the provider is not connected any more',
  UNSUPPORTED: 'the provider does not offer it',
}

/** @param {SessionRow} row @param {string | null} reason @param {() => void} done */
function refresh(row, reason, done) {
  const name = toLabel(row.provider)
  if (reason) return [h('span', { class: 'note' }, `Cannot be read from ${name}: ${REASONS[reason] ?? reason}.`)]
  const button = h('button', { type: 'button', name: 'read-now', click: read }, `Read from ${name} now`)
  async function read() {
    button.disabled = true
    try {
      await post(`/sessions/${row.id}/refresh`, {})
      notify(`Read from ${name}.`)
      done()
    } catch (error) {
      notify(error instanceof Error ? error.message : 'Unexpected error.', 'bad')
    } finally {
      button.disabled = false
    }
  }
  return [button]
}

/** @param {SessionRow} row @param {string | null} reason @param {() => void} done */
function cancel(row, reason, done) {
  if (reason) return [h('span', { class: 'note' }, `Cannot be cancelled: ${REASONS[reason] ?? reason}.`)]
  const click = () =>
    confirm({
      title: 'Cancel this session?',
      about: [
        h('p', {}, `It is cancelled at ${toLabel(row.provider)}. The person cannot continue, and needs a new session.`),
        h('p', {}, 'This cannot be undone.'),
      ],
      label: 'Cancel the session',
      act: async () => {
        await post(`/sessions/${row.id}/cancel`, {})
        return 'The session is cancelled.'
      },
      done,
    })
  return [h('button', { type: 'button', name: 'cancel-session', click }, 'Cancel the session …')]
}

/** @param {string | null} externalId @returns {import('./elements.js').Child[]} */
function user(externalId) {
  if (!externalId) return ['–']
  const link = h('a', { href: '#/search', click: () => setSearched(externalId) }, 'everything about this person')
  return [h('code', {}, externalId), ' ', link]
}

/** @param {TimelineEvent[]} events */
function line(events) {
  return h('ol', { class: 'timeline' }, ...events.map((event, index) => point(event, events[index - 1])))
}

/** @param {TimelineEvent} event @param {TimelineEvent} [before] */
function point(event, before) {
  const gap = before && Date.parse(event.at) - Date.parse(before.at)
  return h(
    'li',
    { class: toneAt(event) },
    gap ? h('p', { class: 'gap' }, `${formatDuration(gap)} later`) : null,
    h('p', { class: 'strong' }, ...describeEvent(event)),
    h('p', { class: 'note' }, formatTime(event.at), ...sourceOf(event)),
  )
}

/** @param {TimelineEvent} event */
function toneAt({ type, to = '', outcome = '' }) {
  if (type === 'SessionStatusChanged') return toneOf(outcome === 'PENDING' ? to : outcome)
  return type === 'AttemptStatusChanged' ? toneOf(to) : 'plain'
}

/** Only a status can be derived from the clock. @param {TimelineEvent} event */
const sourceOf = ({ type, source }) =>
  source === 'DERIVED' && type !== 'SessionStatusChanged' ? [] : [` · ${SOURCES[source] ?? toLabel(source)}`]

/** @type {Record<string, string>} */
const SOURCES = {
  CALLER: 'by a request',
  FETCH: 'read from the provider',
  WEBHOOK: 'by a webhook',
  DERIVED: 'by the clock',
}

/** @param {TimelineEvent} event @returns {import('./elements.js').Child[]} */
function describeEvent(event) {
  if (event.type === 'SessionCreated') return ['Session created']
  if (event.type === 'SessionStatusChanged') return describeStatus(event)
  if (event.type === 'AttemptStatusChanged')
    return [`Attempt ${event.from ? `${toLabel(event.from)} → ` : ''}`, badge(event.to ?? '')]
  if (event.type === 'WebhookReceived')
    return ['Webhook ', h('code', {}, event.providerEvent ?? ''), event.applied ? ' applied' : ' without a change']
  if (event.type === 'SessionLinksChanged') return describeLinks(event)
  if (event.type === 'ExternalIdConflict') return ['The provider named another external id, which was not taken']
  return [event.type]
}

/** @param {TimelineEvent} event @returns {import('./elements.js').Child[]} */
function describeLinks({ applicantId, customerId, fromApplicantId, fromCustomerId }) {
  const linked = [
    ...(applicantId ? [['applicant', applicantId]] : []),
    ...(customerId ? [['customer', customerId]] : []),
  ]
  if (linked.length === 0) return [fromApplicantId || fromCustomerId ? 'No longer linked' : 'External id changed']
  return linked.flatMap(([recordType, id], index) => [
    index > 0 ? ' and ' : 'Linked to ',
    `${recordType} `,
    h('code', {}, id),
  ])
}

/** @param {TimelineEvent} event @returns {import('./elements.js').Child[]} */
function describeStatus({ from, to = '', fromOutcome, outcome = '', providerStatus }) {
  return [
    ...(from && from !== to ? [`${toLabel(from)} → `] : []),
    badge(to),
    ' ',
    ...(fromOutcome && fromOutcome !== outcome ? [`${toLabel(fromOutcome)} → `] : []),
    badge(outcome),
    ...(providerStatus ? [' ', h('code', {}, providerStatus)] : []),
  ]
}
