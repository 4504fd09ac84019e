import { get } from './api.js'
import { AXIS_WIDTH, chart, RIGHT_EDGE } from './chart.js'
import { badge, card, empty, formatDuration, h, percent, table, toLabel } from './elements.js'

/** @type {[string, string][]} */
const SPANS = [
  ['1h', '1 hour'],
  ['6h', '6 hours'],
  ['24h', '24 hours'],
  ['7d', '7 days'],
]
const CIRCUITS = ['CLOSED', 'HALF_OPEN', 'OPEN']

/** @type {import('./main.js').View<HealthAnswer>} */
export const health = {
  title: 'Provider health',
  lead: 'Response times and failures of each provider, and whether calls to it are blocked.',
  load: params => get(`/health?span=${encodeURIComponent(params.get('span') ?? '6h')}`),
  draw: (data, { choose }) => {
    const used = data.providers.filter(({ configured }) => configured)
    const unused = data.providers.filter(({ configured }) => !configured).map(({ provider }) => toLabel(provider))
    return [
      spans(data.span, choose),
      used.length === 0 &&
        empty('No provider is connected.', 'Connect one with: sessiongraph providers set <tenant> <provider>.'),
      used.length > 0 && card('Now', overview(used)),
      h('div', { class: 'grid' }, ...used.map(one => providerCard(one, data))),
      unused.length > 0 && h('p', { class: 'note' }, `Not connected: ${unused.join(', ')}.`),
    ]
  },
}

/** @param {string} current @param {(name: string, value: string) => void} choose */
function spans(current, choose) {
  const buttons = SPANS.map(([span, label]) =>
    h(
      'button',
      {
        type: 'button',
        name: `span-${span}`,
        'aria-pressed': String(span === current),
        click: () => choose('span', span),
      },
      label,
    ),
  )
  return h('div', { class: 'segments', role: 'group', 'aria-label': 'Period' }, ...buttons)
}

/** The state of all providers, before any chart. @param {ProviderHealth[]} providers */
const overview = providers =>
  table(
    'Last minute',
    [
      ['Provider', ({ provider }) => h('button', { class: 'link', click: () => goTo(provider) }, toLabel(provider))],
      ['Circuit', ({ health }) => (health ? badge(health.circuit) : '–')],
      ['Slow calls (p95)', ({ health }) => formatDuration(health?.p95Ms), 'named'],
      ['Failed', ({ health }) => failedShare(health), 'named'],
      ['In progress', ({ health }) => health?.inFlight ?? '–', 'named'],
    ],
    providers,
    'flow',
  )

/** @param {ProviderHealth['health']} now */
function failedShare(now) {
  if (!now || now.p50Ms === null) return '–'
  return now.errorRate > 0.05 ? h('b', { class: 'bad' }, percent(now.errorRate)) : percent(now.errorRate)
}

/** @param {string} provider */
function goTo(provider) {
  const title = document.getElementById(`provider-${provider}`)
  title?.scrollIntoView({ block: 'start' })
  title?.focus({ preventScroll: true })
}

/** @param {ProviderHealth} one @param {HealthAnswer} data */
function providerCard(one, data) {
  const { provider, sandbox } = one
  const kind = badge('PLAIN', sandbox ? 'Sandbox' : 'Real')
  const title = h('h2', { id: `provider-${provider}`, tabindex: -1 }, toLabel(provider), ' ', kind)
  return h('section', { class: 'card' }, title, ...(one.at.length > 0 ? charts(one, data) : [noCalls()]))
}

const noCalls = () =>
  empty('No calls in this period.', 'Each minute appears after it has ended. Choose a longer period for older calls.')

/** @param {ProviderHealth} one @param {HealthAnswer} data */
function charts(one, data) {
  /** @type {number[]} */
  const at = []
  for (let ms = data.from; ms <= data.until; ms += data.stepMs) at.push(ms)
  const index = new Map(one.at.map((ms, position) => [ms, position]))
  /** @template T @param {T[]} values @returns {(T | null)[]} */
  const align = values => at.map(ms => values[index.get(ms) ?? -1] ?? null)
  const p95 = numbersIn(one.p95Ms)
  const calls = one.calls.reduce((sum, count) => sum + count, 0)
  const failed = one.calls.reduce((sum, count, position) => sum + count * (one.errorRate[position] ?? 0), 0)
  return [
    chart({
      title: 'Latency',
      summary: `p95 between ${formatDuration(Math.min(...p95))} and ${formatDuration(Math.max(...p95))}.`,
      at,
      lines: [
        { label: 'p95', color: '--line-2', values: align(one.p95Ms) },
        { label: 'p50', color: '--line-1', values: align(one.p50Ms), filled: true },
      ],
      format: formatDuration,
      top: 50,
    }),
    chart({
      title: 'Failed calls',
      summary: `${Math.round(failed).toLocaleString()} of ${calls.toLocaleString()} calls failed (${percent(calls ? failed / calls : 0)}).`,
      at,
      lines: [{ label: 'failed', color: '--line-3', values: align(one.errorRate), filled: true }],
      format: percent,
      top: 0.1,
    }),
    circuit(align(one.circuit)),
  ]
}

/** @param {(number | null)[]} values @returns {number[]} */
const numbersIn = values => values.flatMap(value => (value === null ? [] : [value]))

/** @param {(number | null)[]} states */
function circuit(states) {
  const known = numbersIn(states)
  const open = known.filter(state => state === 2).length
  const half = known.filter(state => state === 1).length
  const summary =
    open + half === 0 ? 'closed all the time' : `open in ${open} of ${known.length} intervals, half open in ${half}`
  const strip = h('div', { class: 'strip', role: 'img', 'aria-label': `Circuit: ${summary}.` })
  strip.append(
    ...states.map(state => h('i', { class: state === null ? 'none' : (CIRCUITS[state] ?? '').toLowerCase() })),
  )
  // As wide as the charts above.
  strip.style.marginInline = `${AXIS_WIDTH}px ${RIGHT_EDGE}px`
  return h(
    'figure',
    { class: 'chart' },
    h('figcaption', {}, h('h3', {}, 'Circuit'), h('p', {}, `${toLabel(summary)}.`)),
    strip,
  )
}
