import { signIn } from './api.js'
import { h } from './elements.js'

/** Asks for the key. @param {string} because why it is asked for again @param {() => void} done */
export function login(because, done) {
  const input = h('input', {
    id: 'key',
    name: 'key',
    type: 'password',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
    'aria-describedby': 'key-about',
  })
  const said = h('p', { role: 'alert', class: because ? 'notice bad' : '' }, because)
  const enter = h('button', { class: 'main' }, 'Sign in')
  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault()
    enter.disabled = true
    try {
      await signIn(input.value.trim())
      done()
    } catch (error) {
      said.className = 'notice bad'
      said.textContent = error instanceof Error ? error.message : 'Try again.'
      input.select()
    } finally {
      enter.disabled = false
    }
  }
  return h(
    'section',
    { class: 'card login' },
    h('h1', {}, 'sessiongraph console'),
    h(
      'p',
      { class: 'lead' },
      'What your providers, sessions and webhooks are doing, for people who would rather look than read.',
    ),
    said,
    h(
      'form',
      { submit },
      h('label', { for: 'key' }, 'API key with the scope admin'),
      input,
      h('p', { id: 'key-about', class: 'note' }, 'It stays in this tab and is forgotten when the tab is closed.'),
      enter,
    ),
  )
}
