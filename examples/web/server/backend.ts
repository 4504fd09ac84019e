import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Plugin } from 'vite'
import { graphql } from '../src/graphql.ts'
import { CHOICES } from '../src/words.ts'
import { begin } from './begin.ts'
import { type Access, ask, Refused } from './sessiongraph.ts'

/**
 * Your company's own server. It holds the API key and knows who is logged in; the browser gets a client token for this
 * one user's sessions, and nothing else.
 */
export function backend(): Plugin {
  const access: Access = {
    url: process.env.SESSIONGRAPH_URL || 'http://localhost:4000/graphql',
    apiKey: process.env.SESSIONGRAPH_API_KEY || 'sg_dev_key_for_this_machine',
  }
  const serve = (request: IncomingMessage, response: ServerResponse, next: () => void) => {
    const route = ROUTES[request.url ?? '']
    if (!route || request.method !== 'POST') return next()
    void answer(request, response, route, access)
  }
  return {
    name: 'backend',
    configureServer: ({ middlewares }) => void middlewares.use(serve),
    configurePreviewServer: ({ middlewares }) => void middlewares.use(serve),
  }
}

type BackendRequest = { readonly externalId: string; readonly origin: string; readonly body: Record<string, unknown> }
type Route = (access: Access, request: BackendRequest) => Promise<object>

const PassFor = graphql(`
  mutation PassFor($externalId: String!) {
    createClientToken(input: { subject: { externalId: $externalId }, expiresInSeconds: 900 }) {
      ... on CreateClientTokenPayload {
        token
        expiresAt
      }
      ... on MutationError {
        code
        message
      }
    }
  }
`)

const ROUTES: Readonly<Record<string, Route>> = {
  '/api/pass': async (access, { externalId }) => {
    const { createClientToken: made } = await ask(access, PassFor, { externalId })
    if (!made || !('token' in made)) throw new Refused(made?.code ?? 'INTERNAL_ERROR', made?.message ?? '')
    return { ...made, externalId, url: access.url }
  },
  '/api/sessions': async (access, { externalId, origin, body }) => {
    const provider = CHOICES.find(each => each === body.provider)
    if (!provider) throw new Refused('INVALID_INPUT', 'Expected one of the providers.')
    const idempotencyKey = `${externalId}-${body.key}`
    return { id: await begin(access, provider, { externalId, idempotencyKey, redirectUrl: `${origin}done` }) }
  },
  '/api/logout': async () => ({}),
}

/** A page of another site cannot send JSON here without a preflight request, which is never allowed. */
async function answer(request: IncomingMessage, response: ServerResponse, route: Route, access: Access): Promise<void> {
  const isJson = request.headers['content-type'] === 'application/json'
  const externalId = request.url === '/api/logout' ? newUser() : (userOf(request) ?? newUser())
  try {
    if (!isJson) throw new Refused('UNSUPPORTED_MEDIA_TYPE', 'Expected application/json.')
    const body = JSON.parse(await text(request))
    const made = await route(access, { externalId, body, origin: `http://${request.headers.host}/` })
    respond(response, 200, made, externalId)
  } catch (error) {
    const { code, message } = error instanceof Refused ? error : new Refused('INTERNAL_ERROR', 'Something went wrong.')
    respond(response, 502, { code, message }, externalId)
  }
}

function respond(response: ServerResponse, status: number, body: object, externalId: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'set-cookie': `user=${externalId}; HttpOnly; SameSite=Strict; Path=/`,
  })
  response.end(JSON.stringify(body))
}

/** Instead of a login: the first visit creates a user, whom a cookie identifies afterwards. */
function newUser(): string {
  return `usr_${randomUUID().slice(0, 8)}`
}

function userOf({ headers }: IncomingMessage): string | undefined {
  return /(?:^|; )user=(usr_[0-9a-f]{8})(?:;|$)/.exec(headers.cookie ?? '')?.[1]
}
