import { get } from './api.js'
import { chart } from './chart.js'
import { badge, card, choice, day, empty, formatTime, h, percent, pluralize, table, toLabel } from './elements.js'

const STATUSES = ['CREATED', 'IN_PROGRESS', 'COMPLETED', 'CANCELED', 'EXPIRED', 'UNKNOWN']
const OUTCOMES = [
  'PENDING',
  'IN_REVIEW',
  'APPROVED',
  'REJECTED',
  'NEEDS_RETRY',
  'INCONCLUSIVE',
  'NOT_APPLICABLE',
  'UNKNOWN',
]

/** @type {import('./main.js').View<SessionsAnswer>} */
export const sessions = {
  title: 'Sessions',
  lead: 'All sessions, the newest first, and how those of the last 30 days went.',
  load: params => get(`/sessions?${params}`),
  draw: (data, context) => {
    if (data.total === 0 && data.rows.length === 0 && context.params.size === 0) {
      return [empty('No sessions yet.', 'Clients make sessions with the mutation createSession.')]
    }
    return [
      list(data, context),
      data.cut && h('p', { class: 'notice warning' }, `Only the newest ${data.total.toLocaleString()} are counted.`),
      data.total > 0 && h('div', { class: 'grid' }, daily(data), states(data)),
      data.total > 0 && funnels(data),
    ]
  },
}

/** @param {SessionsAnswer} data */
function daily({ daily, total }) {
  const approved = daily.approved.reduce((sum, count) => sum + count, 0)
  return card(
    'By day',
    chart({
      title: 'Created and approved',
      summary: `${pluralize(total, 'session')} created, ${approved.toLocaleString()} of them approved. Days are UTC.`,
      at: daily.at,
      lines: [
        { label: 'created', color: '--line-1', values: daily.created, filled: true },
        { label: 'approved', color: '--line-4', values: daily.approved },
      ],
      format: value => (Number.isInteger(value) ? value.toLocaleString() : ''),
      top: 5,
      unitOfTime: 'day',
    }),
  )
}

/** @param {SessionsAnswer} data */
function states({ groups, total }) {
  const rows = groups.map(({ status, outcome, count }) => {
    const query = new URLSearchParams({ status, outcome })
    const link = h('a', { href: `#/sessions?${query}` }, `${toLabel(status)} · ${toLabel(outcome)}`)
    return h('li', {}, link, h('span', {}, `${count.toLocaleString()} (${percent(count / total)})`), bar(count / total))
  })
  return card('By status and outcome', h('ul', { class: 'bars' }, ...rows))
}

/** @param {SessionsAnswer} data */
const funnels = ({ funnels }) =>
  card(
    'How far people get',
    h('div', { class: 'grid small' }, ...funnels.map(funnel)),
    h(
      'p',
      { class: 'note' },
      'The last 30 days, from the timeline of each session: one that was later cancelled, expired or rejected counts for everything that it reached.',
    ),
  )

/** @param {Funnel} one */
function funnel({ provider, created, started, completed, approved }) {
  /** @type {[string, number][]} */
  const steps = [
    ['Created', created],
    ['Started', started],
    ['Completed', completed],
    ...(approved === null ? [] : [/** @type {[string, number]} */ (['Approved', approved])]),
  ]
  const rows = steps.map(([label, count]) =>
    h(
      'li',
      {},
      h('span', {}, label),
      h('span', {}, `${count.toLocaleString()} (${percent(count / created)})`),
      bar(count / created),
    ),
  )
  const note = approved === null && h('p', { class: 'note' }, 'This provider reports no outcomes.')
  return h('div', {}, h('h3', {}, toLabel(provider)), h('ol', { class: 'bars' }, ...rows), note)
}

/** @param {number} share */
function bar(share) {
  const fill = h('i', {})
  fill.style.inlineSize = `${Math.max(share * 100, share > 0 ? 1 : 0)}%`
  return h('span', { class: 'bar', 'aria-hidden': 'true' }, fill)
}

/** @param {SessionsAnswer} data @param {import('./main.js').Context} context */
function list({ rows, next }, { params, providers, choose }) {
  const filters = h(
    'form',
    { class: 'filters', 'aria-label': 'Filter sessions', submit: event => event.preventDefault() },
    choice('Provider', 'provider', providers, params.get('provider'), choose),
    choice('Status', 'status', STATUSES, params.get('status'), choose),
    choice('Outcome', 'outcome', OUTCOMES, params.get('outcome'), choose),
    day('From day (UTC)', 'from', params.get('from'), choose),
    day('To day (UTC)', 'until', params.get('until'), choose),
  )
  const isPage = params.has('after')
  const pages = h(
    'div',
    { class: 'pages' },
    isPage && h('button', { type: 'button', name: 'newest', click: () => choose({ after: '' }) }, '« Newest'),
    isPage && h('button', { type: 'button', name: 'newer', click: () => history.back() }, '‹ Newer'),
    next && h('button', { type: 'button', name: 'older', click: () => choose({ after: next }) }, 'Older ›'),
  )
  const found =
    rows.length > 0
      ? [sessionTable(isPage ? 'Continued' : 'Newest first', rows), pages]
      : [empty('No matching sessions.', 'Choose “All” in a filter, or other days.'), pages]
  return card('Sessions', filters, ...found)
}

/** @param {string} caption @param {SessionRow[]} rows */
export function sessionTable(caption, rows) {
  return table(
    caption,
    [
      ['Created', row => formatTime(row.createdAt)],
      ['Provider', row => toLabel(row.provider)],
      ['Status', row => badge(row.status)],
      ['Outcome', row => badge(row.outcome)],
      ['External id', row => h('code', {}, row.externalId ?? '–'), 'named'],
      ['Id at the provider', row => h('code', { class: 'cut', title: row.providerId }, row.providerId), 'named'],
      ['Our id', row => h('code', { class: 'cut', title: row.id }, row.id), 'named'],
      [
        '',
        row =>
          h(
            'a',
            { href: `#/session/${row.id}`, 'aria-label': `Open the session of ${row.externalId ?? row.providerId}` },
            'Open',
          ),
      ],
    ],
    rows,
    'flow',
  )
}
