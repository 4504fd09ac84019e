import { SCOPES, type Scope } from '../../../src/domain/access/caller.ts'
import { type Answer, API_KEY, type TestApp } from '../app/test-app.ts'

type WebhookTarget = Pick<TestApp, 'app' | 'services'>

/** A client with its own key or token. */
export interface Client {
  readonly token: string
  /** The id of the key; '' for a client token. */
  readonly keyId: string
  execute(query: string, variables?: Record<string, unknown>): Promise<Answer & { readonly text: string }>
}

export interface KeyOptions {
  readonly tenantId?: string
  readonly scopes?: readonly Scope[]
  readonly expiresAt?: Date
  readonly costPerMinute?: number
}

/** A client with an API key of that tenant with those scopes; by default all scopes. */
export async function withKey(app: WebhookTarget, options: KeyOptions = {}): Promise<Client> {
  const { tenantId = 'dev', scopes = SCOPES, ...others } = options
  const { apiKey, key } = await app.services.keys.create({ tenantId }, { name: 'test', scopes, ...others })
  return withToken(app, key, apiKey.id)
}

/** A client with a client token that `maker` creates. `subject` is that of the mutation's input. */
export async function withClientToken(app: WebhookTarget, maker: Client, subject: object): Promise<Client> {
  const { data, errors } = await maker.execute(CREATE_CLIENT_TOKEN, { input: { subject } })
  const token = data?.createClientToken?.token
  if (!token) throw new Error(`Creating a client token failed: ${JSON.stringify({ data, errors })}`)
  return withToken(app, token)
}

export const CREATE_CLIENT_TOKEN = /* GraphQL */ `
  mutation ($input: CreateClientTokenInput!) {
    createClientToken(input: $input) {
      __typename
      ... on CreateClientTokenPayload { token expiresAt }
      ... on InvalidInputError { issues { path message } }
      ... on MutationError { code message }
    }
  }
`

export function withToken(app: WebhookTarget, token: string, keyId = ''): Client {
  return {
    token,
    keyId,
    execute: async (query, variables) => {
      const response = await app.app.fetch('http://localhost/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query, variables }),
      })
      const text = await response.text()
      const body = JSON.parse(text) as Partial<Answer>
      return { status: response.status, data: body.data, errors: body.errors ?? [], text }
    },
  }
}

/** A client with the development key. */
export function withDevelopmentKey(app: WebhookTarget): Client {
  return withToken(app, API_KEY)
}
