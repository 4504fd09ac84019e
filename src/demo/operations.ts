/** The operations of the demo. */

export const PROVIDERS_QUERY = /* GraphQL */ `
  query Providers {
    providers { provider sandbox capabilities }
  }
`

export const CREATE_APPLICANT = /* GraphQL */ `
  mutation CreateApplicant($input: CreateApplicantInput!) {
    created: createApplicant(input: $input) {
      ... on CreateApplicantPayload { record: applicant { id } }
      ... on InvalidInputError { issues { path message } }
      ... on MutationError { code message }
    }
  }
`

export const CREATE_SESSION = /* GraphQL */ `
  mutation CreateSession($input: CreateSessionInput!) {
    created: createSession(input: $input) {
      ... on CreateSessionPayload { record: session { id providerId access { hostedUrl } } }
      ... on InvalidInputError { issues { path message } }
      ... on MutationError { code message }
    }
  }
`

export const READ_SESSION = /* GraphQL */ `
  query ReadSession($id: ID!, $freshness: Freshness) {
    session(by: { id: $id }, freshness: $freshness) {
      id provider providerId status providerStatus outcome externalId
      attempts { nodes { kind status failureCode } }
      applicant { status outcome firstName lastName email }
      customer { name email }
    }
  }
`

/** The result of a create: `record`, or an error of the result union. */
export interface CreatedData {
  readonly created: {
    readonly record?: { readonly id: string; readonly access?: { readonly hostedUrl: string | null } | null }
    readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[]
    readonly code?: string
    readonly message?: string
  }
}

export interface ReadBack {
  readonly session: SessionRead | null
}

export interface SessionRead {
  readonly id: string
  readonly providerId: string
  readonly status: string
  readonly providerStatus: string | null
  readonly outcome: string
  readonly externalId: string | null
  readonly attempts: { readonly nodes: readonly { kind: string; status: string; failureCode: string | null }[] } | null
  readonly applicant: Readonly<Record<'status' | 'outcome' | 'firstName' | 'lastName' | 'email', string | null>> | null
  readonly customer: Readonly<Record<'name' | 'email', string | null>> | null
}
