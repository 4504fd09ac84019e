import { print } from '@0no-co/graphql.web'
import type { TadaDocumentNode } from 'gql.tada'

/** The client token of this browser: access to one user for a quarter of an hour. Our own server creates it. */
export interface Pass {
  readonly url: string
  readonly externalId: string
  readonly token: string
  readonly expiresAt: string
}

/** An error, with the code to branch on: docs/reference/errors.md lists all of them. */
export class Trouble extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

const RENEW_BEFORE_MS = 30_000
let pass: Promise<Pass> | undefined

/**
 * The client token of this browser, a new one if it is about to expire or was rejected. Concurrent callers get the same
 * one.
 */
export function getPass({ renew = false } = {}): Promise<Pass> {
  const fetchPass = () => callOurServer<Pass>('/api/pass')
  pass = pass && !renew ? pass.then(held => (isFresh(held) ? held : fetchPass()), fetchPass) : fetchPass()
  return pass
}

function isFresh({ expiresAt }: Pass): boolean {
  return Date.parse(expiresAt) - Date.now() > RENEW_BEFORE_MS
}

/** Calls the company's own server, which knows who is logged in and holds the API key. */
export async function callOurServer<Answer>(path: string, body: object = {}): Promise<Answer> {
  const response = await reach(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = await response.json().catch(() => ({}))
  if (!response.ok) throw new Trouble(answer.code ?? 'UNREACHABLE', answer.message ?? '')
  return answer
}

/** Sends an operation directly to the API, with the client token alone. An expired token is renewed once. */
export async function send<Result, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
  init: RequestInit = {},
  again = true,
): Promise<Response> {
  const { url, token } = await getPass({ renew: !again })
  const response = await reach(url, {
    ...init,
    method: 'POST',
    headers: { ...init.headers, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: print(document), variables }),
  })
  return response.status === 401 && again ? send(document, variables, init, false) : response
}

export async function ask<Result, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
): Promise<{ data: Result | null; codes: readonly string[] }> {
  const response = await send(document, variables, { headers: { accept: 'application/graphql-response+json' } })
  const { data = null, errors = [] }: Answer<Result> = await response.json()
  const [first] = errors
  if (data === null && first) throw toTrouble(first)
  return { data, codes: errors.map(error => error.extensions.code) }
}

interface Answer<Result> {
  readonly data?: Result | null
  readonly errors?: readonly ApiError[]
}

export interface ApiError {
  readonly message: string
  readonly extensions: { readonly code: string }
}

export function toTrouble({ message, extensions }: ApiError): Trouble {
  return new Trouble(extensions.code, message)
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new Trouble('UNREACHABLE', '')
  }
}
