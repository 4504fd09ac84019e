/**
 * Replaces the content of the page and restores what its user did: focus, opened details, lists shown in full, and the scroll
 * position.
 * @param {HTMLElement} root @param {() => void} replace
 */
export function keepState(root, replace) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)
  const name = focused && root.contains(focused) ? focused.getAttribute('name') : null
  const opened = [...root.querySelectorAll('details')].map(({ open }) => open)
  const full = [...root.querySelectorAll('[data-full]')].map(element => element.getAttribute('data-list'))
  const [x, y] = [scrollX, scrollY]
  replace()
  const details = [...root.querySelectorAll('details')]
  if (details.length === opened.length) {
    for (const [index, element] of details.entries()) element.open = opened[index] ?? false
  }
  for (const list of full) {
    const more = root.querySelector(`[data-list="${CSS.escape(list ?? '')}"] .more`)
    if (more instanceof HTMLElement) more.click()
  }
  if (name)
    /** @type {HTMLElement | null} */ (root.querySelector(`[name="${CSS.escape(name)}"]`))?.focus({
      preventScroll: true,
    })
  scrollTo(x, y)
}
