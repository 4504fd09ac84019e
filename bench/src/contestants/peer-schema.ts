/** The part of the contract that the benchmark's documents use, for the peers that read a schema as text. */
export const PEER_SCHEMA = /* GraphQL */ `
  enum Provider { KAYLE }
  enum SessionStatus { CREATED IN_PROGRESS COMPLETED CANCELED EXPIRED UNKNOWN }
  input Freshness { maxAgeSeconds: Int }
  input ProviderRef { provider: Provider!, providerId: String! }
  input SessionLookup { id: ID, atProvider: ProviderRef }
  input SessionFilter { statuses: [SessionStatus!], providers: [Provider!] }
  input KayleShareFieldInput { key: String!, required: Boolean!, reason: String! }
  input KayleSessionInput { redirectUrl: String, shareFields: [KayleShareFieldInput!] }
  input ProviderSessionInput { kayle: KayleSessionInput }
  input CreateSessionInput { idempotencyKey: String!, externalId: String, session: ProviderSessionInput! }
  type Attempt {
    id: ID! providerId: String! kind: String! status: String! failureCode: String riskScore: Float createdAt: String!
  }
  type AttemptConnection { nodes: [Attempt!]! }
  type Sync { stale: Boolean! }
  type Customer { id: ID! providerId: String! email: String name: String createdAt: String! sync: Sync! }
  type Applicant {
    id: ID! providerId: String! status: String! outcome: String! providerStatus: String createdAt: String!
  }
  type SessionAccess { hostedUrl: String }
  type Session {
    id: ID! provider: Provider! providerId: String! status: SessionStatus! outcome: String! externalId: String
    createdAt: String! updatedAt: String! access: SessionAccess
    attempts(freshness: Freshness): AttemptConnection
    customer(freshness: Freshness): Customer
    applicant(freshness: Freshness): Applicant
  }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type SessionConnection { nodes: [Session!]! pageInfo: PageInfo! }
  type CreateSessionPayload { replayed: Boolean! session: Session! }
  type CreateSessionError { message: String! }
  union CreateSessionResult = CreateSessionPayload | CreateSessionError
  type Query {
    session(by: SessionLookup!, freshness: Freshness): Session
    sessions(filter: SessionFilter, first: Int, after: String): SessionConnection!
  }
  type Mutation { createSession(input: CreateSessionInput!): CreateSessionResult! }
`
