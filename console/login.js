import { signIn } from './api.js'
import { h } from './elements.js'

/** The form for the API key. @param {string} because the reason for signing in again @param {() => void} done */
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
  const alert = h('p', { role: 'alert', class: because ? 'notice bad' : '' }, because)
  const enter = h('button', { class: 'main' }, 'Sign in')
  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault()
    enter.disabled = true
    try {
      await signIn(input.value.trim())
      done()
    } catch (error) {
      alert.className = 'notice bad'
      alert.textContent = error instanceof Error ? error.message : 'Try again.'
      input.select()
    } finally {
      enter.disabled = false
    }
  }
  return h(
    'section',
    { class: 'card login' },
    h('h1', {}, 'sessiongraph console'),
    h('p', { class: 'lead' }, 'Shows the state of your providers, sessions and webhooks.'),
    alert,
    h(
      'form',
      { submit },
      h('label', { for: 'key' }, 'API key with the scope admin'),
      input,
      h('p', { id: 'key-about', class: 'note' }, 'The key is stored in this tab only, until you close it.'),
      enter,
    ),
  )
}
