import { ApiError, currentKey, forgetKey, get } from './api.js'
import { drift } from './drift.js'
import { h } from './elements.js'
import { health } from './health.js'
import { login } from './login.js'
import { operations } from './operations.js'
import { search } from './search.js'
import { session } from './session.js'
import { sessions } from './sessions.js'
import { webhooks } from './webhooks.js'

/**
 * A view: its title, the data it loads, and how it shows the data.
 * @template Data
 * @typedef {object} View
 * @property {string} title
 * @property {string} lead
 * @property {(params: URLSearchParams, id: string) => Promise<Data>} load
 * @property {(data: Data, context: Context) => (Node | false | null)[]} draw
 */

/**
 * @typedef {object} Context
 * @property {URLSearchParams} params
 * @property {string[]} providers the names of all providers
 * @property {(name: string, value: string) => void} choose sets a query parameter of the URL and reloads
 * @property {() => void} reload
 */

/** @type {[path: string, label: string, view: View<any>][]} */
const VIEWS = [
  ['health', 'Health', health],
  ['sessions', 'Sessions', sessions],
  ['operations', 'Stuck creates', operations],
  ['webhooks', 'Webhooks', webhooks],
  ['drift', 'Drift', drift],
  ['search', 'Search', search],
]

const main = /** @type {HTMLElement} */ (document.getElementById('main'))
const top = /** @type {HTMLElement} */ (document.getElementById('top'))
/** @type {{ tenantId: string, providers: string[] } | null} */
let me = null
let latestRequest = 0

/** `#/webhooks?x=y` → its parts. */
function parseHash() {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?')
  const [name = '', id = ''] = path.split('/')
  return { name: name || 'health', id: decodeURIComponent(id), params: new URLSearchParams(query) }
}

/** @param {boolean} moved true after a change of the view, which then gets the focus */
async function show(moved) {
  const request = ++latestRequest
  if (!currentKey()) return showLogin('')
  const { name, id, params } = parseHash()
  const view = name === 'session' ? session : VIEWS.find(([path]) => path === name)?.[2]
  drawHeader(name === 'session' ? 'sessions' : name)
  if (!view) return main.replaceChildren(heading('Page not found'), h('p', {}, 'Choose a page above.'))
  const title = heading(view.title)
  document.title = `${view.title} · sessiongraph console`
  const body = h('div', { class: 'body' }, h('p', { role: 'status', class: 'loading' }, 'Loading …'))
  const reload = () => void show(false)
  const fresh = h('button', { type: 'button', class: 'quiet', click: reload }, 'Refresh')
  const head = h('div', { class: 'head' }, title, fresh, h('p', { class: 'lead' }, view.lead))
  main.setAttribute('aria-busy', 'true')
  // Keep the current content until the new data is loaded.
  if (moved || main.firstElementChild?.className !== 'head') main.replaceChildren(head, body)
  if (moved) title.focus({ preventScroll: true })
  try {
    const data = await view.load(params, id)
    const { providers } = await whoAmI()
    if (request !== latestRequest) return
    const choose = (/** @type {string} */ key, /** @type {string} */ value) => setParam(name, id, params, key, value)
    body.replaceChildren(...view.draw(data, { params, providers, choose, reload }).filter(node => node instanceof Node))
  } catch (error) {
    if (request !== latestRequest) return
    if (error instanceof ApiError && error.status === 401) return showLogin(error.message)
    body.replaceChildren(failure(error, reload))
  }
  main.removeAttribute('aria-busy')
  const toList = moved && params.size > 0
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.getAttribute('name')
  const refreshed = document.activeElement?.textContent === 'Refresh'
  main.replaceChildren(head, body)
  if (refreshed) fresh.focus()
  else if (focused) /** @type {HTMLElement | null} */ (body.querySelector(`[name="${CSS.escape(focused)}"]`))?.focus()
  // The focused element is gone, such as the button of a settled row.
  else if (moved || document.activeElement === document.body) title.focus({ preventScroll: true })
  // After following a number, show the list that it counts.
  if (toList) body.querySelector('.filters')?.scrollIntoView({ block: 'start' })
}

/** @param {string} name @param {string} id @param {URLSearchParams} params @param {string} key @param {string} value */
function setParam(name, id, params, key, value) {
  const next = new URLSearchParams(params)
  if (value) next.set(key, value)
  else next.delete(key)
  const query = next.size > 0 ? `?${next}` : ''
  history.pushState(null, '', `#/${name}${id ? `/${encodeURIComponent(id)}` : ''}${query}`)
  void show(false)
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

/** @param {string} current */
function drawHeader(current) {
  const links = VIEWS.map(([path, label]) =>
    h('a', { href: `#/${path}`, 'aria-current': path === current ? 'page' : undefined }, label),
  )
  const out = h('button', { type: 'button', class: 'quiet', click: () => showLogin('You are signed out.') }, 'Sign out')
  top.replaceChildren(
    h(
      'div',
      { class: 'brand' },
      h('span', { class: 'mark', 'aria-hidden': 'true' }, 's'),
      h('b', {}, 'sessiongraph'),
      h('span', { id: 'tenant', class: 'tenant' }, ...tenantName()),
      out,
    ),
    h('nav', { 'aria-label': 'Views' }, ...links),
  )
}

async function whoAmI() {
  if (me) return me
  me = /** @type {{ tenantId: string, providers: string[] }} */ (await get('/me'))
  document.getElementById('tenant')?.replaceChildren(...tenantName())
  return me
}

/** Narrow screens show the name only. */
const tenantName = () => (me ? [h('span', { class: 'roomy' }, 'Tenant '), me.tenantId] : [])

/** @param {string} because */
function showLogin(because) {
  latestRequest += 1
  main.removeAttribute('aria-busy')
  forgetKey()
  me = null
  top.replaceChildren()
  document.title = 'Sign in · sessiongraph console'
  main.replaceChildren(login(because, () => void show(true)))
  main.querySelector('input')?.focus()
}

addEventListener('hashchange', () => void show(true))
addEventListener('popstate', () => void show(false))
// The colours of charts depend on the colour scheme.
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => void show(false))
void show(false)
