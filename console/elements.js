/** The pieces that every view is made of. Texts become text nodes: nothing that came in is ever read as HTML. */

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

/** A word of the API as people write it: `IN_PROGRESS` → “In progress”. @param {string | null | undefined} word */
export function say(word) {
  if (!word) return '–'
  const text = word.replaceAll('_', ' ').toLowerCase()
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const GOOD = ['COMPLETED', 'APPROVED', 'APPLIED', 'CLOSED', 'SUCCEEDED']
const BAD = ['REJECTED', 'QUARANTINED', 'OPEN', 'FAILED', 'REFUSED']
const WARY = ['UNKNOWN', 'NEEDS_RETRY', 'HALF_OPEN', 'STORED', 'DEGRADED', 'EXPIRED']

/** @param {string} word */
export function toneOf(word) {
  if (GOOD.includes(word)) return 'good'
  if (BAD.includes(word)) return 'bad'
  return WARY.includes(word) ? 'wary' : 'plain'
}

/** @param {string} word @param {string} [text] */
export const badge = (word, text = say(word)) => h('span', { class: `badge ${toneOf(word)}` }, text)

/** @type {Intl.DateTimeFormatOptions} */
const TO_THE_MINUTE = { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' }
const [toMinute, toSecond] = [toFormat(TO_THE_MINUTE), toFormat({ ...TO_THE_MINUTE, second: '2-digit' })]

/** With the year where it is another one than this. @param {Intl.DateTimeFormatOptions} options */
function toFormat(options) {
  const ofThisYear = new Intl.DateTimeFormat(undefined, options)
  const ofOthers = new Intl.DateTimeFormat(undefined, { ...options, year: 'numeric' })
  return (/** @type {string} */ at) => {
    const date = new Date(at)
    const text = (date.getFullYear() === new Date().getFullYear() ? ofThisYear : ofOthers).format(date)
    return h('time', { datetime: at, title: at }, text)
  }
}

/** To the minute, as a list needs it; the whole time is its title. @param {string | null} at */
export const when = at => (at ? toMinute(at) : h('span', {}, '–'))

/** @param {string} at */
export const whenExactly = at => toSecond(at)

/** Milliseconds as people say them. @param {number | null | undefined} ms */
export function lasting(ms) {
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
export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString()} ${count === 1 ? one : many}`

/** So many rows are shown before somebody asks for all of them. */
const FEW = 15

/**
 * A table that is a list of cards where there is no room for it. A long one shows its first rows, and a button for the rest.
 * @template Row
 * @param {string} caption
 * @param {[name: string, cell: (row: Row) => Child | Child[], look?: 'named'][]} columns `named`: also where the cells flow
 * @param {Row[]} rows
 * @param {string} [look] `flow`: where there is no room, the cells of a row follow each other like words
 */
export function table(caption, columns, rows, look = '') {
  const toTr = (/** @type {Row} */ row) =>
    h('tr', {}, ...columns.map(([name, cell, look]) => h('td', { 'data-name': name, class: look }, cell(row))))
  const few = rows.length > FEW * 1.5 ? FEW : rows.length
  const body = h('tbody', {}, ...rows.slice(0, few).map(toTr))
  const whole = h(
    'table',
    { class: look },
    h('caption', {}, caption),
    h('thead', {}, h('tr', {}, ...columns.map(([name]) => h('th', { scope: 'col' }, name)))),
    body,
  )
  if (few === rows.length) return whole
  const click = () => {
    body.append(...rows.slice(few).map(toTr))
    more.remove()
    const next = /** @type {HTMLElement | null | undefined} */ (body.rows[few]?.querySelector('a, button'))
    next?.focus()
  }
  const more = h('button', { type: 'button', class: 'more', click }, `Show all ${rows.length}`)
  return h('div', {}, whole, more)
}

/** What is shown where there is nothing to show. @param {string} title @param {string} text */
export const empty = (title, text) => h('div', { class: 'empty' }, h('p', { class: 'strong' }, title), h('p', {}, text))

/** @param {string} title @param {...(Child | Child[])} children */
export const card = (title, ...children) => h('section', { class: 'card' }, h('h2', {}, title), ...children)

/** A figure with its name. @param {string} name @param {Child} value @param {string} [tone] */
export const figure = (name, value, tone = 'plain') =>
  h('div', { class: `figure ${tone}` }, h('dt', {}, name), h('dd', {}, value))

/**
 * @param {string} label
 * @param {string} name
 * @param {string[]} words
 * @param {string | null} chosen
 * @param {(name: string, value: string) => void} choose
 */
export function choice(label, name, words, chosen, choose) {
  const options = words.map(word => h('option', { value: word, selected: word === chosen }, say(word)))
  /** @param {Event} event */
  const change = event => choose(name, /** @type {HTMLSelectElement} */ (event.target).value)
  return h(
    'div',
    {},
    h('label', { for: `choose-${name}` }, label),
    h('select', { id: `choose-${name}`, name, change }, h('option', { value: '' }, 'All'), ...options),
  )
}

/** A sentence that is shown and read out, and goes away. @param {string} text @param {string} [tone] */
export function notify(text, tone = 'good') {
  const notice = h('p', { class: `notice ${tone}` }, text)
  document.getElementById('notices')?.replaceChildren(notice)
  setTimeout(() => notice.remove(), 10_000)
}

/** A path that may go on in the next line after a dot. @param {string} path */
export const breakable = path => h('code', {}, ...path.split(/(?<=\.)/).flatMap(part => [part, h('wbr')]))
