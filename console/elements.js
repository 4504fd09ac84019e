/** The building blocks of the views. Text becomes text nodes, so no data is parsed as HTML. */

/** @typedef {Node | string | number | false | null | undefined} Child */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | boolean | number | undefined | ((event: Event) => void)>} [props]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') element.addEventListener(name, value)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value))
  }
  element.append(...children.flat().flatMap(child => (isSomething(child) ? [toNode(child)] : [])))
  return element
}

/** @param {Child} child @returns {child is Node | string | number} */
const isSomething = child => child !== false && child !== null && child !== undefined
/** @param {Node | string | number} child */
const toNode = child => (child instanceof Node ? child : String(child))

/** Words of the API that a support person would not know. @type {Record<string, string>} */
const LABELS = {
  ABSORBED: 'Ignored, nothing lost',
  DEGRADED: 'A value was lost',
  HALF_OPEN: 'Trying again',
  QUARANTINED: 'Could not be applied',
  REFUSED: 'Could not be used',
  STORED: 'Waiting',
}

/** The label of an API value: `IN_PROGRESS` → “In progress”. @param {string | null | undefined} value */
export function toLabel(value) {
  if (!value) return '–'
  const known = LABELS[value]
  if (known) return known
  const text = value.replaceAll('_', ' ').toLowerCase()
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** A message of the server with the provider’s name as people write it. @param {string} message @param {string} provider */
export const nameProvider = (message, provider) => message.replaceAll(provider, toLabel(provider))

const GOOD = ['COMPLETED', 'APPROVED', 'APPLIED', 'CLOSED', 'SUCCEEDED', 'UP']
const BAD = ['REJECTED', 'QUARANTINED', 'OPEN', 'FAILED', 'REFUSED', 'DOWN']
const WARNING = ['UNKNOWN', 'NEEDS_RETRY', 'INCONCLUSIVE', 'HALF_OPEN', 'STORED', 'DEGRADED', 'EXPIRED']

/** @param {string} state */
export function toneOf(state) {
  if (GOOD.includes(state)) return 'good'
  if (BAD.includes(state)) return 'bad'
  return WARNING.includes(state) ? 'warning' : 'plain'
}

/** @param {string} state @param {string} [text] */
export const badge = (state, text = toLabel(state)) => h('span', { class: `badge ${toneOf(state)}` }, text)

/** @type {Intl.DateTimeFormatOptions} */
const TO_THE_SECOND = {
  month: 'short',
  day: 'numeric',
  hour: 'numeric',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
}
const thisYear = new Intl.DateTimeFormat(undefined, TO_THE_SECOND)
const otherYear = new Intl.DateTimeFormat(undefined, { ...TO_THE_SECOND, year: 'numeric' })
const clock = new Intl.DateTimeFormat(undefined, {
  hour: 'numeric',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
})

/** @param {string} at */
function toSecond(at) {
  const date = new Date(at)
  return (date.getFullYear() === new Date().getFullYear() ? thisYear : otherYear).format(date)
}

/** With seconds and zone, and below it how long ago. @param {string | null | undefined} at */
export function formatTime(at) {
  if (!at) return h('span', {}, '–')
  const ago = h('span', { class: 'ago', 'data-at': at }, formatAge(at))
  return h('time', { datetime: at, title: at }, toSecond(at), ' ', ago)
}

/** With seconds and zone. @param {string} at */
export const formatExactTime = at => h('time', { datetime: at, title: at }, toSecond(at))

/** The time of day. @param {number} ms */
export const formatClock = ms => h('time', { datetime: new Date(ms).toISOString() }, clock.format(ms))

/** “3 min ago”, or “in 3 min”. @param {string} at */
function formatAge(at) {
  const seconds = Math.round((Date.now() - Date.parse(at)) / 1_000)
  const size = Math.abs(seconds)
  if (size < 5) return 'now'
  const text =
    size < 60
      ? `${size} s`
      : size < 3_600
        ? `${Math.floor(size / 60)} min`
        : size < 172_800
          ? `${Math.floor(size / 3_600)} h`
          : `${Math.floor(size / 86_400)} days`
  return seconds > 0 ? `${text} ago` : `in ${text}`
}

/** Updates the ages on the page. */
export function updateAges() {
  for (const element of document.querySelectorAll('[data-at]')) {
    const text = formatAge(element.getAttribute('data-at') ?? '')
    if (element.textContent !== text) element.textContent = text
  }
}

/** A duration in milliseconds for people. @param {number | null | undefined} ms */
export function formatDuration(ms) {
  if (ms === null || ms === undefined) return '–'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1_000)} s`
  if (ms < 172_800_000) return `${Math.floor(ms / 3_600_000)} h ${Math.floor((ms % 3_600_000) / 60_000)} min`
  return `${Math.floor(ms / 86_400_000)} days`
}

/** @param {number} share */
export const percent = share => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`

/** @param {number} count @param {string} one @param {string} [many] */
export const pluralize = (count, one, many = `${one}s`) => `${count.toLocaleString()} ${count === 1 ? one : many}`

/** The number of rows before “Show all”. */
const INITIAL_ROWS = 15

/**
 * A table, shown as a list of cards on narrow screens. A long one shows its first rows and a button for the rest.
 * @template Row
 * @param {string} caption
 * @param {[name: string, cell: (row: Row) => Child | Child[], look?: 'named'][]} columns `named`: with its column name even if the cells flow
 * @param {Row[]} rows
 * @param {string} [look] `flow`: on narrow screens the cells of a row flow like values
 */
export function table(caption, columns, rows, look = '') {
  const toTr = (/** @type {Row} */ row) =>
    h('tr', {}, ...columns.map(([name, cell, look]) => h('td', { 'data-name': name, class: look }, cell(row))))
  const initial = rows.length > INITIAL_ROWS * 1.5 ? INITIAL_ROWS : rows.length
  const body = h('tbody', {}, ...rows.slice(0, initial).map(toTr))
  const element = h(
    'table',
    { class: look },
    h('caption', {}, caption),
    h('thead', {}, h('tr', {}, ...columns.map(([name]) => h('th', { scope: 'col' }, name)))),
    body,
  )
  if (initial === rows.length) return element
  const click = () => {
    body.append(...rows.slice(initial).map(toTr))
    list.setAttribute('data-full', '')
    more.remove()
    const next = /** @type {HTMLElement | null | undefined} */ (body.rows[initial]?.querySelector('a, button'))
    next?.focus()
  }
  const more = h('button', { type: 'button', class: 'more', click }, `Show all ${rows.length}`)
  const list = h('div', { 'data-list': caption }, element, more)
  return list
}

/**
 * Something that needs somebody: what is wrong, since when, and what to do.
 * @param {object} options
 * @param {string} options.tone `bad` or `warning`
 * @param {string} options.title
 * @param {Child[]} options.about
 * @param {[name: string, value: Child][]} [options.facts]
 * @param {{ title: string, facts: Child[], actions: Child[] }[]} [options.rows]
 * @param {Child} [options.more]
 * @param {Child[]} [options.actions]
 */
export function alertCard({ tone, title, about, facts = [], rows = [], more, actions = [] }) {
  const label = h('span', { class: `badge ${tone}` }, tone === 'bad' ? 'Urgent' : 'Look soon')
  return h(
    'section',
    { class: `card alert ${tone}` },
    h('div', { class: 'alert-head' }, h('h2', {}, title), label),
    facts.length > 0 &&
      h(
        'dl',
        { class: 'alert-facts' },
        ...facts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
      ),
    ...about,
    rows.length > 0 && h('ul', { class: 'alert-rows' }, ...rows.map(alertRow)),
    more && h('p', {}, more),
    actions.length > 0 && h('div', { class: 'actions' }, ...actions),
  )
}

/** @param {{ title: string, facts: Child[], actions: Child[] }} row */
const alertRow = ({ title, facts, actions }) =>
  h(
    'li',
    {},
    h(
      'div',
      { class: 'what' },
      h('p', { class: 'strong' }, title),
      h(
        'p',
        { class: 'note' },
        ...facts.filter(isSomething).flatMap((fact, index) => (index > 0 ? [' · ', fact] : [fact])),
      ),
    ),
    actions.length > 0 && h('div', { class: 'actions' }, ...actions),
  )

/** The message of an empty list. @param {string} title @param {string} text */
export const empty = (title, text) => h('div', { class: 'empty' }, h('p', { class: 'strong' }, title), h('p', {}, text))

/** @param {string} title @param {...(Child | Child[])} children */
export const card = (title, ...children) => h('section', { class: 'card' }, h('h2', {}, title), ...children)

/** A number with its name. @param {string} name @param {Child} value @param {string} [tone] */
export const figure = (name, value, tone = 'plain') =>
  h('div', { class: `figure ${tone}` }, h('dt', {}, name), h('dd', {}, value))

/**
 * @param {string} label
 * @param {string} name
 * @param {string[]} values
 * @param {string | null} chosen
 * @param {(changes: Record<string, string>) => void} choose
 */
export function choice(label, name, values, chosen, choose) {
  const options = values.map(value => h('option', { value, selected: value === chosen }, toLabel(value)))
  /** @param {Event} event */
  const change = event => choose({ [name]: /** @type {HTMLSelectElement} */ (event.target).value, after: '' })
  return h(
    'div',
    {},
    h('label', { for: `choose-${name}` }, label),
    h('select', { id: `choose-${name}`, name, change }, h('option', { value: '' }, 'All'), ...options),
  )
}

/**
 * @param {string} label
 * @param {string} name
 * @param {string | null} value such as `2026-11-29`
 * @param {(changes: Record<string, string>) => void} choose
 */
export function day(label, name, value, choose) {
  /** @param {Event} event */
  const change = event => choose({ [name]: /** @type {HTMLInputElement} */ (event.target).value, after: '' })
  const id = `choose-${name}`
  return h(
    'div',
    {},
    h('label', { for: id }, label),
    h('input', { id, name, type: 'date', value: value ?? '', change }),
  )
}

/** A message that is shown and read out. A failure stays until it is closed. @param {string} text @param {string} [tone] */
export function notify(text, tone = 'good') {
  const close = h('button', { type: 'button', class: 'link', click: () => notice.remove() }, 'Close')
  const notice = h(
    'p',
    { class: `notice ${tone}`, role: tone === 'bad' ? 'alert' : undefined },
    text,
    ' ',
    tone === 'bad' && close,
  )
  document.getElementById('notices')?.replaceChildren(notice)
  if (tone !== 'bad') setTimeout(() => notice.remove(), 10_000)
}

/** A path with optional line breaks after its dots. @param {string} path */
export const wrapLong = path => h('code', {}, ...path.split(/(?<=\.)/).flatMap(part => [part, h('wbr')]))
