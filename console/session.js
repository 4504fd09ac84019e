import { ask } from './api.js'
import { badge, card, empty, figure, h, lasting, say, toneOf, when, whenExactly } from './elements.js'
import { askFor } from './search.js'

/** @type {import('./main.js').View<SessionAnswer>} */
export const session = {
  title: 'One session',
  lead: 'What happened to it, in order, and where each piece of news came from.',
  load: (_params, id) => ask(`/sessions/${encodeURIComponent(id)}`),
  draw: ({ session, events, cut }) => [
    facts(session),
    card(
      'Timeline',
      events.length === 0
        ? empty('Nothing is written down.', 'Events are kept for 400 days unless set otherwise.')
        : line(events),
      cut && h('p', { class: 'note' }, 'Only the first 500 events are shown.'),
    ),
  ],
}

/** @param {SessionRow} row */
function facts(row) {
  return card(
    `${say(row.provider)} session`,
    h(
      'dl',
      { class: 'figures' },
      figure('Status', badge(row.status)),
      figure('Outcome', badge(row.outcome)),
      figure('Provider says', row.providerStatus ?? '–'),
      figure('Created', when(row.createdAt)),
      figure('Changed', when(row.updatedAt)),
    ),
    h(
      'dl',
      { class: 'facts' },
      h('div', {}, h('dt', {}, 'External id'), h('dd', {}, ...user(row.externalId))),
      ...[
        ['Id at the provider', row.providerId],
        ['Id in GraphQL', row.graphqlId],
        ['Id in the store', row.id],
      ].map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, h('code', {}, value)))),
    ),
  )
}

/** @param {string | null} externalId @returns {import('./elements.js').Child[]} */
function user(externalId) {
  if (!externalId) return ['–']
  const link = h('a', { href: '#/search', click: () => askFor(externalId) }, 'all of this user')
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
    gap ? h('p', { class: 'gap' }, `${lasting(gap)} later`) : null,
    h('p', { class: 'strong' }, ...tellingOf(event)),
    h('p', { class: 'note' }, whenExactly(event.at), ...sourceOf(event)),
  )
}

/** @param {TimelineEvent} event */
function toneAt({ type, to = '', outcome = '' }) {
  if (type === 'StatusChanged') return toneOf(outcome === 'PENDING' ? to : outcome)
  return type === 'AttemptChanged' ? toneOf(to) : 'plain'
}

/** Only a status follows from the clock. @param {TimelineEvent} event */
const sourceOf = ({ type, source }) =>
  source === 'DERIVED' && type !== 'StatusChanged' ? [] : [` · ${SOURCES[source] ?? say(source)}`]

/** @type {Record<string, string>} */
const SOURCES = {
  CREATE: 'told when it was created',
  FETCH: 'seen when it was read',
  WEBHOOK: 'told by webhook',
  DERIVED: 'follows from the clock',
}

/** @param {TimelineEvent} event @returns {import('./elements.js').Child[]} */
function tellingOf(event) {
  if (event.type === 'SessionCreated') return ['Session created']
  if (event.type === 'StatusChanged') return statusTelling(event)
  if (event.type === 'AttemptChanged')
    return [`Attempt ${event.from ? `${say(event.from)} → ` : ''}`, badge(event.to ?? '')]
  if (event.type === 'WebhookReceived')
    return ['Webhook ', h('code', {}, event.providerEvent ?? ''), event.applied ? ' applied' : ' changed nothing']
  if (event.type === 'LinkChanged') return linkTelling(event)
  return [event.type]
}

/** @param {TimelineEvent} event @returns {import('./elements.js').Child[]} */
function linkTelling({ applicantId, customerId }) {
  const linked = [
    ...(applicantId ? [['applicant', applicantId]] : []),
    ...(customerId ? [['customer', customerId]] : []),
  ]
  if (linked.length === 0) return ['Linked to nobody any more']
  return linked.flatMap(([noun, id], index) => [index > 0 ? ' and ' : 'Linked to ', `${noun} `, h('code', {}, id)])
}

/** @param {TimelineEvent} event @returns {import('./elements.js').Child[]} */
function statusTelling({ from, to = '', fromOutcome, outcome = '', providerStatus }) {
  return [
    ...(from && from !== to ? [`${say(from)} → `] : []),
    badge(to),
    ' ',
    ...(fromOutcome && fromOutcome !== outcome ? [`${say(fromOutcome)} → `] : []),
    badge(outcome),
    ...(providerStatus ? [' ', h('code', {}, providerStatus)] : []),
  ]
}
