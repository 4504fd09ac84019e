import { ApiError } from './api.js'
import { h, notify } from './elements.js'

/** The action is not possible any more. */
export class EndedError extends Error {}

/**
 * A confirmation dialog. It stays open and shows the error if the action fails, and cannot be sent again after an EndedError.
 * @param {object} options
 * @param {string} options.title
 * @param {(import('./elements.js').Child)[]} options.about
 * @param {string} options.label the label of the button
 * @param {(form: FormData) => Promise<string>} options.act returns the success message; throws an Error with the reason
 * @param {() => void} options.done called after a success, and when the dialog closes after a failure
 */
export function confirm({ title, about, label, act, done }) {
  const alert = h('p', { role: 'alert' })
  const confirmButton = h('button', { class: 'main', name: 'confirmButton' }, label)
  const cancelButton = h('button', { type: 'button', click: () => dialog.close() }, 'Cancel')
  let hasFailed = false
  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault()
    confirmButton.disabled = true
    try {
      const message = await act(new FormData(form))
      hasFailed = false
      dialog.close()
      notify(message)
      done()
    } catch (error) {
      hasFailed = true
      if (!dialog.isConnected) return notify(error instanceof Error ? error.message : 'Unexpected error.', 'bad')
      alert.className = 'notice bad'
      alert.textContent = error instanceof Error ? error.message : 'Unexpected error. Reload the page.'
      cancelButton.textContent = 'Close'
      if (error instanceof EndedError) end()
      else if (!(error instanceof ApiError)) confirmButton.textContent = 'Try again'
    } finally {
      confirmButton.disabled = false
    }
  }
  /** Only the reason and the button that closes the dialog are left. */
  function end() {
    confirmButton.remove()
    for (const field of form.querySelectorAll('fieldset, input')) field.setAttribute('disabled', '')
    cancelButton.focus()
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
  dialog.addEventListener('close', () => {
    dialog.remove()
    if (hasFailed) done()
  })
  document.body.append(dialog)
  dialog.showModal()
}

/** A dialog is about the view that opened it. */
export function closeDialogs() {
  for (const dialog of document.querySelectorAll('dialog')) dialog.remove()
}
