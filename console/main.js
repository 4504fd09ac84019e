import { ask, currentKey, forgetKey, Refusal } from './api.js'
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
 * A view: what it is about, what it asks, and what it makes of the answer.
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
 * @property {string[]} providers the names of all that there are
 * @property {(name: string, value: string) => void} choose changes what is asked, in the address
 * @property {() => void} again
 */

/** @type {[path: string, word: string, view: View<any>][]} */
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
let turn = 0

/** `#/webhooks?x=y` → its parts. */
function whereabouts() {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?')
  const [name = '', id = ''] = path.split('/')
  return { name: name || 'health', id: decodeURIComponent(id), params: new URLSearchParams(query) }
}

/** @param {boolean} moved true where another view came, which is then read from its heading on */
async function show(moved) {
  const mine = ++turn
  if (!currentKey()) return showLogin('')
  const { name, id, params } = whereabouts()
  const view = name === 'session' ? session : VIEWS.find(([path]) => path === name)?.[2]
  drawTop(name === 'session' ? 'sessions' : name)
  if (!view)
    return main.replaceChildren(heading('Nothing here'), h('p', {}, 'There is no such page. Choose one above.'))
  const title = heading(view.title)
  document.title = `${view.title} · sessiongraph console`
  const body = h('div', { class: 'body' }, h('p', { role: 'status', class: 'loading' }, 'Loading …'))
  const again = () => void show(false)
  const fresh = h('button', { type: 'button', class: 'quiet', click: again }, 'Refresh')
  const head = h('div', { class: 'head' }, title, fresh, h('p', { class: 'lead' }, view.lead))
  main.setAttribute('aria-busy', 'true')
  // What is shown stays until its next state is there.
  if (moved || main.firstElementChild?.className !== 'head') main.replaceChildren(head, body)
  if (moved) title.focus({ preventScroll: true })
  try {
    const data = await view.load(params, id)
    const { providers } = await whoAmI()
    if (mine !== turn) return
    const choose = (/** @type {string} */ key, /** @type {string} */ value) => choosing(name, id, params, key, value)
    body.replaceChildren(...view.draw(data, { params, providers, choose, again }).filter(node => node instanceof Node))
  } catch (error) {
    if (mine !== turn) return
    if (error instanceof Refusal && (error.status === 401 || error.status === 403)) return showLogin(error.message)
    body.replaceChildren(failure(error, again))
  }
  main.removeAttribute('aria-busy')
  const toList = moved && params.size > 0
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.getAttribute('name')
  const refreshed = document.activeElement?.textContent === 'Refresh'
  main.replaceChildren(head, body)
  if (refreshed) fresh.focus()
  else if (focused) /** @type {HTMLElement | null} */ (body.querySelector(`[name="${CSS.escape(focused)}"]`))?.focus()
  // Whatever had it is gone, such as the button of a row that is settled.
  else if (moved || document.activeElement === document.body) title.focus({ preventScroll: true })
  // Who follows a number wants to see what it counted.
  if (toList) body.querySelector('.filters')?.scrollIntoView({ block: 'start' })
}

/** @param {string} name @param {string} id @param {URLSearchParams} params @param {string} key @param {string} value */
function choosing(name, id, params, key, value) {
  const next = new URLSearchParams(params)
  if (value) next.set(key, value)
  else next.delete(key)
  const query = next.size > 0 ? `?${next}` : ''
  history.pushState(null, '', `#/${name}${id ? `/${encodeURIComponent(id)}` : ''}${query}`)
  void show(false)
}

/** @param {string} text */
const heading = text => h('h1', { tabindex: -1 }, text)

/** @param {unknown} error @param {() => void} again */
function failure(error, again) {
  const sentence = error instanceof Refusal ? error.message : 'This page could not be drawn. Reload it.'
  if (!(error instanceof Refusal)) console.error(error)
  return h(
    'div',
    { class: 'notice bad', role: 'alert' },
    h('p', {}, sentence),
    h('button', { type: 'button', click: again }, 'Try again'),
  )
}

/** @param {string} current */
function drawTop(current) {
  const links = VIEWS.map(([path, word]) =>
    h('a', { href: `#/${path}`, 'aria-current': path === current ? 'page' : undefined }, word),
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
  me = /** @type {{ tenantId: string, providers: string[] }} */ (await ask('/me'))
  document.getElementById('tenant')?.replaceChildren(...tenantName())
  return me
}

/** Where there is little room the name alone is seen. */
const tenantName = () => (me ? [h('span', { class: 'roomy' }, 'Tenant '), me.tenantId] : [])

/** @param {string} because */
function showLogin(because) {
  turn += 1
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
// Charts are drawn in the colours of their time.
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => void show(false))
void show(false)
