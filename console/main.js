import { activity } from './activity.js'
import { ApiError, currentKey, forgetKey, get } from './api.js'
import { attention, countsOf } from './attention.js'
import { closeDialogs } from './confirm.js'
import { drift } from './drift.js'
import { formatClock, h, notify, updateAges } from './elements.js'
import { createHeader } from './header.js'
import { health } from './health.js'
import { login } from './login.js'
import { operations } from './operations.js'
import { keepState } from './page-state.js'
import { search, setSearched } from './search.js'
import { session } from './session.js'
import { sessions } from './sessions.js'
import { webhooks } from './webhooks.js'

/**
 * A view: its title, the data it loads, and how it shows the data.
 * @template Data
 * @typedef {object} View
 * @property {string} title
 * @property {string} lead
 * @property {(params: URLSearchParams, id: string, attention: AttentionAnswer) => Promise<Data>} load
 * @property {(data: Data, context: Context) => (Node | false | null)[]} draw
 */

/**
 * @typedef {object} Context
 * @property {URLSearchParams} params
 * @property {string[]} providers the names of all providers
 * @property {(changes: Record<string, string>) => void} choose sets query parameters of the URL and reloads
 * @property {() => void} reload
 */

/** @type {[path: string, label: string, view: View<any>][]} */
const VIEWS = [
  ['attention', 'Needs attention', attention],
  ['health', 'Providers', health],
  ['sessions', 'Sessions', sessions],
  ['operations', 'Unconfirmed', operations],
  ['webhooks', 'Webhooks', webhooks],
  ['drift', 'API changes', drift],
  ['activity', 'Activity', activity],
]
/** By the first part of the hash; some have no tab. @type {Map<string, View<any>>} */
const VIEW_BY_NAME = new Map([
  ...VIEWS.map(([path, , view]) => /** @type {[string, View<any>]} */ ([path, view])),
  ['search', search],
  ['session', session],
])
const FIRST_VIEW = 'attention'

const REFRESH_MS = 15_000

const main = /** @type {HTMLElement} */ (document.getElementById('main'))
const top = /** @type {HTMLElement} */ (document.getElementById('top'))
const header = createHeader({
  views: VIEWS.map(([path, label]) => [path, label]),
  signOut: () => showLogin('You are signed out.'),
  find: text => {
    setSearched(text)
    // The results of the search before are not those of this one, even if it fails.
    if (parseHash().name === 'search') void show({ isMoved: true })
    else location.hash = '#/search'
  },
})
/** @type {{ tenantId: string, providers: string[] } | null} */
let me = null
let latestRequest = 0
/** When the shown data was loaded. @type {number | null} */
let shownAt = null
/** The hash whose data is shown. */
let shownFor = ''

/**
 * `#/webhooks?x=y` → its parts. The first view for an address that no view has.
 * @returns {{ name: string, id: string, params: URLSearchParams, isUnknown: boolean }}
 */
function parseHash() {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?')
  const [name = '', rawId = ''] = path.split('/')
  const id = decode(rawId)
  const isUnknown = name !== '' && (!VIEW_BY_NAME.has(name) || id === null || (name === 'session' && id === ''))
  if (isUnknown || id === null || name === '')
    return { name: FIRST_VIEW, id: '', params: new URLSearchParams(), isUnknown }
  return { name, id, params: new URLSearchParams(query), isUnknown }
}

/** Null for malformed text. @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/**
 * Shows the view of the URL. The current content stays until the new data is loaded, and if a refresh fails.
 * @param {{ isMoved: boolean, isRefresh?: boolean }} options `isMoved`: the view changed, and gets the focus
 */
async function show({ isMoved, isRefresh = false }) {
  const request = ++latestRequest
  if (!currentKey()) return showLogin('')
  const { name, id, params, isUnknown } = parseHash()
  const view = VIEW_BY_NAME.get(name) ?? attention
  if (isUnknown) {
    history.replaceState(null, '', `#/${name}`)
    notify('This page does not exist. You see what needs attention instead.', 'warning')
  }
  header.show(top, name === 'session' || name === 'search' ? 'sessions' : name)
  const title = heading(view.title)
  document.title = `${view.title} · sessiongraph console`
  const body = h('div', { class: 'body' }, h('p', { role: 'status', class: 'loading' }, 'Loading …'))
  const reload = () => void show({ isMoved: false })
  const refresh = h('button', { type: 'button', class: 'quiet', name: 'refresh', click: reload }, 'Refresh')
  const asOf = h('p', { class: 'as-of' })
  const problem = h('div', { class: 'problem' })
  const head = h('div', { class: 'head' }, title, h('div', { class: 'fresh' }, asOf, refresh), lead(view.lead), problem)
  main.setAttribute('aria-busy', 'true')
  const isEmpty = isMoved || main.firstElementChild?.className !== 'head'
  if (isEmpty) {
    shownAt = null
    main.replaceChildren(head, body)
  }
  if (isMoved) title.focus({ preventScroll: true })
  try {
    const needed = /** @type {AttentionAnswer} */ (await get('/attention'))
    const data = await view.load(params, id, needed)
    me ??= /** @type {{ tenantId: string, providers: string[] }} */ (await get('/me'))
    if (request !== latestRequest) return
    header.update(me.tenantId, countsOf(needed))
    // A choice adds to those of the URL, which may not be drawn yet.
    const choose = (/** @type {Record<string, string>} */ changes) => setParams(name, id, parseHash().params, changes)
    const nodes = view.draw(data, { params, providers: me.providers, choose, reload })
    body.replaceChildren(...nodes.filter(node => node instanceof Node))
  } catch (error) {
    if (request !== latestRequest) return
    if (error instanceof ApiError && error.status === 401) return showLogin(error.message)
    main.removeAttribute('aria-busy')
    // Data with another filter does not stay: it would look like that of this one.
    if (shownAt !== null && shownFor === location.hash) return showStale(error)
    shownAt = null
    body.replaceChildren(failure(error, reload))
    main.replaceChildren(head, body)
    return
  }
  main.removeAttribute('aria-busy')
  shownAt = Date.now()
  shownFor = location.hash
  asOf.append('As of ', formatClock(shownAt))
  keepState(main, () => main.replaceChildren(head, body))
  if (isRefresh) return
  if (isMoved || document.activeElement === document.body) title.focus({ preventScroll: true })
  // After following a number, show the list that it counts.
  if (isMoved && params.size > 0) body.querySelector('.filters')?.scrollIntoView({ block: 'start' })
}

/** @param {string} text */
const lead = text => h('p', { class: 'lead' }, text)

/** The shown data stays, with the reason why it is not newer. @param {unknown} error */
function showStale(error) {
  const message = error instanceof ApiError ? error.message : 'Unexpected error.'
  const since = formatClock(shownAt ?? 0)
  const notice = h(
    'p',
    { class: 'notice warning', role: 'status' },
    'Could not refresh. ',
    message,
    ' You see the state of ',
    since,
    '.',
  )
  main.querySelector('.problem')?.replaceChildren(notice)
}

/** @param {string} name @param {string} id @param {URLSearchParams} params @param {Record<string, string>} changes */
function setParams(name, id, params, changes) {
  const next = new URLSearchParams(params)
  for (const [key, value] of Object.entries(changes)) {
    if (value) next.set(key, value)
    else next.delete(key)
  }
  const query = next.size > 0 ? `?${next}` : ''
  history.pushState(null, '', `#/${name}${id ? `/${encodeURIComponent(id)}` : ''}${query}`)
  void show({ isMoved: false })
}

/** @param {string} text */
const heading = text => h('h1', { tabindex: -1 }, text)

/** @param {unknown} error @param {() => void} reload */
function failure(error, reload) {
  const message = error instanceof ApiError ? error.message : 'This page could not be shown. Reload it.'
  if (!(error instanceof ApiError)) console.error(error)
  return h(
    'div',
    { class: 'notice bad', role: 'alert' },
    h('p', {}, message),
    h('button', { type: 'button', click: reload }, 'Try again'),
  )
}

/** @param {string} because */
function showLogin(because) {
  latestRequest += 1
  closeDialogs()
  main.removeAttribute('aria-busy')
  forgetKey()
  me = null
  shownAt = null
  top.replaceChildren()
  document.title = 'Sign in · sessiongraph console'
  main.replaceChildren(login(because, () => void show({ isMoved: true })))
  main.querySelector('input')?.focus()
}

/** A refresh must not disturb somebody who types, chooses, confirms, selects text or reads a chart. */
function isUndisturbed() {
  if (document.visibilityState !== 'visible' || !currentKey() || main.hasAttribute('aria-busy')) return false
  if (document.querySelector('dialog[open], .plot:hover')) return false
  if (main.querySelector('input:focus, select:focus')) return false
  return (getSelection()?.isCollapsed ?? true) && main.firstElementChild?.className === 'head'
}

addEventListener('hashchange', () => {
  closeDialogs()
  void show({ isMoved: true })
})
addEventListener('popstate', () => {
  closeDialogs()
  void show({ isMoved: false })
})
// The colours of charts depend on the colour scheme.
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => void show({ isMoved: false }))
setInterval(() => isUndisturbed() && void show({ isMoved: false, isRefresh: true }), REFRESH_MS)
setInterval(updateAges, 5_000)
void show({ isMoved: false })
