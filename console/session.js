import { get } from './api.js'
import {
  badge,
  card,
  empty,
  figure,
  formatDuration,
  formatExactTime,
  formatTime,
  h,
  toLabel,
  toneOf,
} from './elements.js'
import { setSearchedId } from './search.js'

/** @type {import('./main.js').View<SessionAnswer>} */
export const session = {
  title: 'Session',
  lead: 'All changes in order, with their source.',
  load: (_params, id) => get(`/sessions/${encodeURIComponent(id)}`),
  draw: ({ session, events, cut }) => [
    facts(session),
    card(
      'Timeline',
      events.length === 0 ? empty('No events.', 'By default events are deleted after 400 days.') : line(events),
      cut && h('p', { class: 'note' }, 'Only the first 500 events are shown.'),
    ),
  ],
}

/** @param {SessionRow} row */
function facts(row) {
  return card(
    `${toLabel(row.provider)} session`,
    h(
      'dl',
      { class: 'figures' },
      figure('Status', badge(row.status)),
      figure('Outcome', badge(row.outcome)),
      figure('Provider status', row.providerStatus ?? '–'),
      figure('Created', formatTime(row.createdAt)),
      figure('Changed', formatTime(row.updatedAt)),
    ),
    h(
      'dl',
      { class: 'facts' },
      h('div', {}, h('dt', {}, 'External id'), h('dd', {}, ...user(row.externalId))),
      ...[
        ['Id at the provider', row.providerId],
        ['Id in GraphQL', row.graphqlId],
        ['Internal id', row.id],
      ].map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, h('code', {}, value)))),
    ),
  )
}

/** @param {string | null} externalId @returns {import('./elements.js').Child[]} */
function user(externalId) {
  if (!externalId) return ['–']
  const link = h('a', { href: '#/search', click: () => setSearchedId(externalId) }, 'all records of this user')
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
    h('p', { class: 'note' }, formatExactTime(event.at), ...sourceOf(event)),
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
  CALLER: 'from a mutation',
  FETCH: 'from a read',
  WEBHOOK: 'from a webhook',
  DERIVED: 'from the clock',
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
  return [event.type]
}

/** @param {TimelineEvent} event @returns {import('./elements.js').Child[]} */
function describeLinks({ applicantId, customerId }) {
  const linked = [
    ...(applicantId ? [['applicant', applicantId]] : []),
    ...(customerId ? [['customer', customerId]] : []),
  ]
  if (linked.length === 0) return ['No longer linked']
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
