import { ApiError } from './api.js'
import { h, notify } from './elements.js'

/**
 * A confirmation dialog. It stays open and shows the error if the action fails.
 * @param {object} options
 * @param {string} options.title
 * @param {(import('./elements.js').Child)[]} options.about
 * @param {string} options.label the label of the button
 * @param {(form: FormData) => Promise<string>} options.act returns the success message
 * @param {() => void} options.done
 */
export function confirm({ title, about, label, act, done }) {
  const alert = h('p', { role: 'alert' })
  const confirmButton = h('button', { class: 'main', name: 'confirmButton' }, label)
  const cancelButton = h('button', { type: 'button', click: () => dialog.close() }, 'Cancel')
  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault()
    confirmButton.disabled = true
    try {
      const message = await act(new FormData(form))
      dialog.close()
      notify(message)
      done()
    } catch (error) {
      alert.className = 'notice bad'
      alert.textContent = error instanceof ApiError ? error.message : 'Unexpected error. Reload the page.'
    } finally {
      confirmButton.disabled = false
    }
  }
  const form = h(
    'form',
    { submit },
    h('h2', { id: 'confirm-title' }, title),
    ...about,
    alert,
    h('div', { class: 'row' }, cancelButton, confirmButton),
  )
  const dialog = h('dialog', { 'aria-labelledby': 'confirm-title' }, form)
  dialog.addEventListener('close', () => dialog.remove())
  document.body.append(dialog)
  dialog.showModal()
}
