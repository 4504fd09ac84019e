/** Asks the server. The key stays in this tab: it goes into a header, and never into an address or a cookie. */

const KEY = 'sessiongraph.console.key'

/** @returns {string | null} */
export const currentKey = () => sessionStorage.getItem(KEY)
export const forgetKey = () => sessionStorage.removeItem(KEY)

/** Keeps the key for this tab where it is an administrator's. Throws a Refusal otherwise. @param {string} key */
export async function signIn(key) {
  const me = await request('/me', { key })
  sessionStorage.setItem(KEY, key)
  return me
}

/** Why the server did not answer, as a sentence with what to do. */
export class Refusal extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/** @template T @param {string} path @returns {Promise<T>} */
export const ask = path => request(path, { key: currentKey() ?? '' })

/** @template T @param {string} path @param {object} body @returns {Promise<T>} */
export const tell = (path, body) => request(path, { key: currentKey() ?? '', body })

/** @param {string} path @param {{ key: string, body?: object }} options */
async function request(path, { key, body }) {
  const response = await send(path, key, body)
  if (response.ok) return response.json()
  const said = await response.json().catch(() => ({}))
  throw new Refusal(response.status, sentenceOf(response, said?.errors?.[0]?.message))
}

/** @param {string} path @param {string} key @param {object} [body] */
async function send(path, key, body) {
  try {
    return await fetch(`console/api${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
      credentials: 'omit',
      body: body && JSON.stringify(body),
    })
  } catch {
    throw new Refusal(0, 'The server cannot be reached. Look whether it runs, then try again.')
  }
}

/** @param {Response} response @param {string} [said] */
function sentenceOf({ status, headers }, said) {
  if (status === 401) return 'This key opens nothing. It may be over or revoked: enter another one.'
  if (status === 403) return 'This key has not the scope “admin”. Enter one that has.'
  if (status === 429)
    return `${said ?? 'Too much at a time.'} Try again in ${headers.get('retry-after') ?? 'some'} seconds.`
  if (status === 503) return 'The server has too much to do. Try again in some seconds.'
  if (status >= 500 && status !== 502) return 'Something went wrong in the server; its log says what. Try again.'
  return said ?? `The server answered ${status}. Try again.`
}
