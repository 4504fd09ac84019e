import { h } from './elements.js'

/**
 * The header: the search, and the tabs with the number of things that need somebody.
 * @param {object} options
 * @param {[path: string, label: string][]} options.views
 * @param {() => void} options.signOut
 * @param {(text: string) => void} options.find
 */
export function createHeader({ views, signOut, find }) {
  const tenant = h('span', { id: 'tenant', class: 'tenant' })
  const input = h('input', {
    id: 'find',
    type: 'search',
    placeholder: 'Any id or e-mail',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
  })
  /** @param {Event} event */
  const submit = event => {
    event.preventDefault()
    find(input.value.trim())
  }
  const form = h(
    'form',
    { class: 'find', role: 'search', submit },
    h('label', { for: 'find', class: 'hidden' }, 'Find a session, person or request'),
    input,
    h('button', { class: 'quiet' }, 'Find'),
  )
  const links = new Map(
    views.map(([path, label]) => {
      const count = h('span', { class: 'count' })
      return [path, { link: h('a', { href: `#/${path}` }, label, count), count }]
    }),
  )
  const brand = h(
    'div',
    { class: 'brand' },
    h('span', { class: 'mark', 'aria-hidden': 'true' }, 's'),
    h('b', {}, 'sessiongraph'),
    tenant,
    form,
    h('button', { type: 'button', class: 'quiet out', click: signOut }, 'Sign out'),
  )
  const nav = h('nav', { 'aria-label': 'Views' }, ...[...links.values()].map(({ link }) => link))

  return {
    /** @param {HTMLElement} top @param {string} current */
    show(top, current) {
      if (!top.contains(brand)) {
        input.value = ''
        top.replaceChildren(brand, nav)
      }
      for (const [path, { link }] of links) {
        if (path === current) {
          link.setAttribute('aria-current', 'page')
          // On a phone the tabs scroll.
          nav.scrollLeft = link.offsetLeft - (nav.clientWidth - link.offsetWidth) / 2
        }
        if (path !== current) link.removeAttribute('aria-current')
      }
    },
    /** @param {string} tenantId @param {Record<string, number>} counts */
    update(tenantId, counts) {
      tenant.replaceChildren(h('span', { class: 'roomy' }, 'Tenant '), tenantId)
      for (const [path, { count }] of links) {
        const number = counts[path] ?? 0
        count.replaceChildren(...(number > 0 ? [String(number), h('span', { class: 'hidden' }, ' open')] : []))
      }
    },
  }
}
