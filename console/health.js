import { get } from './api.js'
import { AXIS_WIDTH, chart, RIGHT_EDGE } from './chart.js'
import { badge, card, empty, formatDuration, formatTime, h, percent, pluralize, table, toLabel } from './elements.js'
import { checkButton, doingOf, FAILURES } from './provider-actions.js'

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
  title: 'Providers',
  lead: 'How each provider answers: how fast, how often it fails and why, and whether calls to it are paused.',
  load: params => get(`/health?span=${encodeURIComponent(params.get('span') ?? '6h')}`),
  draw: (data, { choose, reload }) => {
    const used = data.providers.filter(({ configured }) => configured)
    const unused = data.providers.filter(({ configured }) => !configured).map(({ provider }) => toLabel(provider))
    return [
      used.length === 0 &&
        empty('No provider is connected.', 'Connect one with: sessiongraph providers set <tenant> <provider>.'),
      used.length > 0 && card('Now', overview(used, reload)),
      spans(data.span, choose),
      h('div', { class: 'grid' }, ...used.map(one => providerCard(one, data))),
      unused.length > 0 && h('p', { class: 'note' }, `Not connected: ${unused.join(', ')}.`),
    ]
  },
}

/** @param {string} current @param {(changes: Record<string, string>) => void} choose */
function spans(current, choose) {
  const buttons = SPANS.map(([span, label]) =>
    h(
      'button',
      {
        type: 'button',
        name: `span-${span}`,
        'aria-pressed': String(span === current),
        click: () => choose({ span }),
      },
      label,
    ),
  )
  return h('div', { class: 'segments', role: 'group', 'aria-label': 'Period' }, ...buttons)
}

/** The state of all providers, before any chart. @param {ProviderHealth[]} providers @param {() => void} reload */
const overview = (providers, reload) =>
  table(
    'Last minute, as this server process sees it',
    [
      [
        'Provider',
        ({ provider }) =>
          h('button', { class: 'link', name: `go-${provider}`, click: () => goTo(provider) }, toLabel(provider)),
      ],
      ['State', one => stateOf(one)],
      ['Calls', ({ health }) => health?.calls.toLocaleString() ?? '–', 'named'],
      ['Failed', ({ health }) => failedShare(health), 'named'],
      ['Slow calls (p95)', ({ health }) => formatDuration(health?.p95Ms), 'named'],
      ['', ({ provider }) => checkButton(provider, reload)],
    ],
    providers,
    'flow',
  )

/** @param {ProviderHealth} one @returns {import('./elements.js').Child[]} */
function stateOf({ health }) {
  if (!health) return ['–']
  const [circuit] = health.openCircuits
  if (health.authFailedSince)
    return [
      badge('REFUSED', 'Credentials refused'),
      ' ',
      h('span', { class: 'note' }, 'since ', formatTime(health.authFailedSince)),
    ]
  const [failing] = health.failing
  if (!circuit && failing) {
    const { calls, failed, failure, since } = failing
    const text = `${doingOf([failing])}, ${failed} of ${calls} calls failed: ${FAILURES[failure]?.why ?? toLabel(failure)}, since `
    return [badge('DOWN', 'Failing'), ' ', h('span', { class: 'note' }, text, formatTime(since))]
  }
  if (!circuit && health.calls === 0 && !health.isAuthProven) return [badge('PLAIN', 'Not called yet')]
  if (!circuit) return [badge('CLOSED', 'Up')]
  const why = circuit.failure ? FAILURES[circuit.failure]?.why : 'another server process found it failing'
  return [
    badge(circuit.state, circuit.state === 'OPEN' ? 'Calls paused' : 'Trying again'),
    ' ',
    h('span', { class: 'note' }, `${doingOf(health.openCircuits)}: ${why}, since `, formatTime(circuit.since)),
  ]
}

/** @param {ProviderHealth['health']} now */
function failedShare(now) {
  if (!now || now.calls === 0) return '–'
  const failed = Math.round(now.errorRate * now.calls)
  const text = `${failed.toLocaleString()} of ${now.calls.toLocaleString()}`
  return failed > 0 && now.errorRate > 0.05 ? h('b', { class: 'bad' }, text) : text
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
  const { calls, failed, failures, p50Ms, p95Ms, p99Ms } = one.total
  return [
    chart({
      title: 'Response time',
      summary: `Half of all calls took up to ${formatDuration(p50Ms)}, 95 % up to ${formatDuration(p95Ms)}, 99 % up to ${formatDuration(p99Ms)}.`,
      at,
      lines: [
        { label: 'p99', color: '--line-3', values: align(one.p99Ms) },
        { label: 'p95', color: '--line-2', values: align(one.p95Ms) },
        { label: 'p50', color: '--line-1', values: align(one.p50Ms), filled: true },
      ],
      format: formatDuration,
      top: 50,
    }),
    chart({
      title: 'Calls',
      summary: `${pluralize(calls, 'call')}, ${failed.toLocaleString()} failed (${percent(calls ? failed / calls : 0)}).`,
      at,
      lines: [
        { label: 'all', color: '--line-5', values: align(one.calls), bars: true },
        { label: 'failed', color: '--line-3', values: align(one.failed), bars: true },
      ],
      format: value => (Number.isInteger(value) ? value.toLocaleString() : ''),
      top: 4,
    }),
    failed > 0 && kindsOf(failures, failed),
    circuit(align(one.circuit)),
  ]
}

/** @param {Record<string, number>} failures @param {number} failed */
function kindsOf(failures, failed) {
  const rows = Object.entries(failures)
    .sort(([, one], [, other]) => other - one)
    .map(([kind, count]) => {
      const fill = h('i', { class: 'bad' })
      fill.style.inlineSize = `${Math.max(1, (count / failed) * 100)}%`
      return h(
        'li',
        {},
        h('span', {}, FAILURES[kind]?.label ?? toLabel(kind)),
        h('span', {}, count.toLocaleString()),
        h('span', { class: 'bar', 'aria-hidden': 'true' }, fill),
      )
    })
  return h('div', { class: 'chart' }, h('h3', {}, 'Why calls failed'), h('ul', { class: 'bars' }, ...rows))
}

/** @param {(number | null)[]} values @returns {number[]} */
const numbersIn = values => values.flatMap(value => (value === null ? [] : [value]))

/** @param {(number | null)[]} states */
function circuit(states) {
  const known = numbersIn(states)
  const open = known.filter(state => state === 2).length
  const half = known.filter(state => state === 1).length
  const summary = open + half === 0 ? 'never paused' : `paused in ${open + half} of ${known.length} intervals`
  const strip = h('div', { class: 'strip', role: 'img', 'aria-label': `Calls: ${summary}.` })
  strip.append(
    ...states.map(state => h('i', { class: state === null ? 'none' : (CIRCUITS[state] ?? '').toLowerCase() })),
  )
  // As wide as the charts above.
  strip.style.marginInline = `${AXIS_WIDTH}px ${RIGHT_EDGE}px`
  return h(
    'figure',
    { class: 'chart' },
    h('figcaption', {}, h('h3', {}, 'Paused calls'), h('p', {}, `${toLabel(summary)}.`)),
    strip,
  )
}
