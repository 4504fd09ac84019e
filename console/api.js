/**
 * Calls the admin API. The key stays in this tab's session storage and is sent as a header, never in a URL or a cookie.
 */

const KEY = 'sessiongraph.console.key'

/** @returns {string | null} */
export const currentKey = () => sessionStorage.getItem(KEY)
export const forgetKey = () => sessionStorage.removeItem(KEY)

/** Stores the key for this tab if it is an administrator's, otherwise throws an ApiError. @param {string} key */
export async function signIn(key) {
  const me = await request('/me', { key })
  sessionStorage.setItem(KEY, key)
  return me
}

/** A failed request, with a message that says what to do. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/** @template T @param {string} path @returns {Promise<T>} */
export const get = path => request(path, { key: currentKey() ?? '' })

/** @template T @param {string} path @param {object} body @returns {Promise<T>} */
export const post = (path, body) => request(path, { key: currentKey() ?? '', body })

/** @param {string} path @param {{ key: string, body?: object }} options */
async function request(path, { key, body }) {
  const response = await send(path, key, body)
  if (response.ok) return response.json()
  const payload = await response.json().catch(() => ({}))
  throw new ApiError(response.status, messageOf(response, payload?.errors?.[0]?.message))
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
    throw new ApiError(0, 'The server cannot be reached. Check that it is running, then try again.')
  }
}

/** @param {Response} response @param {string} [reported] */
function messageOf({ status, headers }, reported) {
  if (status === 401) return 'Invalid API key. It may be expired or revoked. Enter another one.'
  if (status === 403) return reported ?? 'This API key does not have the scope “admin”. Enter one that has it.'
  if (status === 429)
    return reported ?? `Too many requests. Try again in ${headers.get('retry-after') ?? 'some'} seconds.`
  if (status === 503) return 'The server is busy. Try again in a few seconds.'
  if (status >= 500 && status !== 502) return 'Internal server error. Try again. The server log contains the details.'
  return reported ?? `The server responded with status ${status}. Try again.`
}
