import { SCOPES, type Scope } from '../../src/domain/caller.ts'
import { type Answer, API_KEY, type House } from './house.ts'

type Door = Pick<House, 'app' | 'services'>

/** One who asks with a key or a token of its own. */
export interface Asker {
  readonly token: string
  /** The id of the key; '' for a client token. */
  readonly keyId: string
  ask(query: string, variables?: Record<string, unknown>): Promise<Answer & { readonly text: string }>
}

export interface KeyOptions {
  readonly tenantId?: string
  readonly scopes?: readonly Scope[]
  readonly expiresAt?: Date
}

/** Somebody with an API key of that tenant with those scopes; all of them if left out. */
export async function withKey(house: Door, options: KeyOptions = {}): Promise<Asker> {
  const { tenantId = 'dev', scopes = SCOPES, expiresAt } = options
  const { apiKey, key } = await house.services.keys.create({ tenantId }, { name: 'test', scopes, expiresAt })
  return withToken(house, key, apiKey.id)
}

/** Somebody with a client token made by `maker` for that subject, in the words of the input. */
export async function withClientToken(house: Door, maker: Asker, subject: object): Promise<Asker> {
  const { data, errors } = await maker.ask(CREATE_CLIENT_TOKEN, { input: { subject } })
  const token = data?.createClientToken?.token
  if (!token) throw new Error(`No client token was made: ${JSON.stringify({ data, errors })}`)
  return withToken(house, token)
}

export const CREATE_CLIENT_TOKEN = /* GraphQL */ `
  mutation ($input: CreateClientTokenInput!) {
    createClientToken(input: $input) {
      __typename
      ... on CreateClientTokenPayload { token expiresAt }
      ... on InvalidInputError { issues { path message } }
      ... on Error { code message }
    }
  }
`

export function withToken(house: Door, token: string, keyId = ''): Asker {
  return {
    token,
    keyId,
    ask: async (query, variables) => {
      const response = await house.app.fetch('http://localhost/graphql', {
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

/** Somebody with the key of development. */
export function withDevelopmentKey(house: Door): Asker {
  return withToken(house, API_KEY)
}
