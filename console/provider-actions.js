import { post } from './api.js'
import { confirm } from './confirm.js'
import { h, nameProvider, notify, toLabel } from './elements.js'

/** The kinds of failed calls. @type {Record<string, { label: string, why: string }>} */
export const FAILURES = {
  TIMEOUT: { label: 'Timeout', why: 'calls time out' },
  UNREACHABLE: { label: 'No connection', why: 'no connection can be made, or it breaks' },
  SERVER_ERROR: { label: 'Server error (5xx)', why: 'it answers with server errors (5xx)' },
  RATE_LIMITED: { label: 'Too many requests (429)', why: 'it limits our calls (429)' },
  AUTH_FAILED: { label: 'Credentials refused', why: 'it refuses our credentials' },
  CONTRACT_BROKEN: { label: 'Unusable response', why: 'its responses cannot be used' },
}

/** @type {Record<string, string>} */
const KINDS = { READ: 'reading', CREATE: 'making new records', WRITE: 'changing records', SIGN_IN: 'signing in' }

/** What calls do, such as “reading, making new records”. @param {{ kind: string }[]} calls */
export const doingOf = calls => calls.map(({ kind }) => KINDS[kind] ?? toLabel(kind)).join(', ')

/** Makes one harmless call. @param {string} provider @param {() => void} done */
export function checkButton(provider, done) {
  const button = h('button', { type: 'button', name: `check-${provider}`, click: check }, 'Test connection')
  async function check() {
    button.disabled = true
    button.textContent = 'Testing …'
    try {
      const { ok, message } = /** @type {CheckAnswer} */ (await post(`/providers/${provider}/check`, {}))
      notify(nameProvider(message, provider), ok ? 'good' : 'bad')
      done()
    } catch (error) {
      notify(error instanceof Error ? error.message : 'Unexpected error.', 'bad')
    } finally {
      button.disabled = false
      button.textContent = 'Test connection'
    }
  }
  return button
}

/** @param {string} provider @param {string[]} secrets @param {() => void} done */
export const credentialsButton = (provider, secrets, done) =>
  h(
    'button',
    {
      type: 'button',
      class: 'main',
      name: `credentials-${provider}`,
      click: () => replaceCredentials(provider, secrets, done),
    },
    'Replace credentials …',
  )

/** @param {string} provider @param {string[]} secrets @param {() => void} done */
function replaceCredentials(provider, secrets, done) {
  const name = toLabel(provider)
  const fields = secrets.flatMap(secret => [
    h('label', { for: `secret-${secret}` }, labelOf(secret)),
    h('input', {
      id: `secret-${secret}`,
      name: secret,
      type: 'password',
      autocomplete: 'off',
      spellcheck: 'false',
      maxlength: 2_000,
      required: secrets.length === 1,
    }),
  ])
  confirm({
    title: `Replace the credentials of ${name}`,
    about: [
      h('p', {}, `They are encrypted, and used at once by all server processes. The connection is tested with them.`),
      secrets.length > 1 && h('p', { class: 'note' }, 'An empty field keeps its present value.'),
      h('div', { class: 'fields' }, ...fields),
    ],
    label: 'Replace and test',
    act: async form => {
      const given = secrets.flatMap(secret => {
        const value = String(form.get(secret) ?? '').trim()
        return value ? [[secret, value]] : []
      })
      const tested = /** @type {CheckAnswer} */ (
        await post(`/providers/${provider}/secrets`, { secrets: Object.fromEntries(given) })
      )
      if (!tested.ok) throw new Error(`Saved, but ${nameProvider(tested.message, provider)}`)
      return `Saved. ${nameProvider(tested.message, provider)}`
    },
    done,
  })
}

/** `apiKey` → “Api key”. @param {string} secret */
const labelOf = secret => toLabel(secret.replace(/[A-Z]/g, letter => `_${letter}`))
