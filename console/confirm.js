import { Refusal } from './api.js'
import { h, notify } from './elements.js'

/**
 * Asks before it does something. Stays open, with the reason, where that fails.
 * @param {object} options
 * @param {string} options.title
 * @param {(import('./elements.js').Child)[]} options.about
 * @param {string} options.word what the button says
 * @param {(form: FormData) => Promise<string>} options.act gives the sentence that is shown when it is done
 * @param {() => void} options.done
 */
export function confirm({ title, about, word, act, done }) {
  const said = h('p', { role: 'alert' })
  const go = h('button', { class: 'main', name: 'go' }, word)
  const no = h('button', { type: 'button', click: () => dialog.close() }, 'Cancel')
  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault()
    go.disabled = true
    try {
      const sentence = await act(new FormData(form))
      dialog.close()
      notify(sentence)
      done()
    } catch (error) {
      said.className = 'notice bad'
      said.textContent = error instanceof Refusal ? error.message : 'That went wrong. Reload the page.'
    } finally {
      go.disabled = false
    }
  }
  const form = h(
    'form',
    { submit },
    h('h2', { id: 'confirm-title' }, title),
    ...about,
    said,
    h('div', { class: 'row' }, no, go),
  )
  const dialog = h('dialog', { 'aria-labelledby': 'confirm-title' }, form)
  dialog.addEventListener('close', () => dialog.remove())
  document.body.append(dialog)
  dialog.showModal()
}
