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

/** The label of an API value: `IN_PROGRESS` → “In progress”. @param {string | null | undefined} value */
export function toLabel(value) {
  if (!value) return '–'
  const text = value.replaceAll('_', ' ').toLowerCase()
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const GOOD = ['COMPLETED', 'APPROVED', 'APPLIED', 'CLOSED', 'SUCCEEDED']
const BAD = ['REJECTED', 'QUARANTINED', 'OPEN', 'FAILED', 'REFUSED']
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
const TO_THE_MINUTE = { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' }
const [toMinute, toSecond] = [toFormat(TO_THE_MINUTE), toFormat({ ...TO_THE_MINUTE, second: '2-digit' })]

/** Includes the year unless it is the current one. @param {Intl.DateTimeFormatOptions} options */
function toFormat(options) {
  const thisYearFormat = new Intl.DateTimeFormat(undefined, options)
  const otherYearFormat = new Intl.DateTimeFormat(undefined, { ...options, year: 'numeric' })
  return (/** @type {string} */ at) => {
    const date = new Date(at)
    const text = (date.getFullYear() === new Date().getFullYear() ? thisYearFormat : otherYearFormat).format(date)
    return h('time', { datetime: at, title: at }, text)
  }
}

/** To the minute, for lists; the title has the exact time. @param {string | null} at */
export const formatTime = at => (at ? toMinute(at) : h('span', {}, '–'))

/** @param {string} at */
export const formatExactTime = at => toSecond(at)

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
    more.remove()
    const next = /** @type {HTMLElement | null | undefined} */ (body.rows[initial]?.querySelector('a, button'))
    next?.focus()
  }
  const more = h('button', { type: 'button', class: 'more', click }, `Show all ${rows.length}`)
  return h('div', {}, element, more)
}

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
 * @param {(name: string, value: string) => void} choose
 */
export function choice(label, name, values, chosen, choose) {
  const options = values.map(value => h('option', { value, selected: value === chosen }, toLabel(value)))
  /** @param {Event} event */
  const change = event => choose(name, /** @type {HTMLSelectElement} */ (event.target).value)
  return h(
    'div',
    {},
    h('label', { for: `choose-${name}` }, label),
    h('select', { id: `choose-${name}`, name, change }, h('option', { value: '' }, 'All'), ...options),
  )
}

/** A message that is shown and read out, and disappears. @param {string} text @param {string} [tone] */
export function notify(text, tone = 'good') {
  const notice = h('p', { class: `notice ${tone}` }, text)
  document.getElementById('notices')?.replaceChildren(notice)
  setTimeout(() => notice.remove(), 10_000)
}

/** A path with optional line breaks after its dots. @param {string} path */
export const wrapLong = path => h('code', {}, ...path.split(/(?<=\.)/).flatMap(part => [part, h('wbr')]))
