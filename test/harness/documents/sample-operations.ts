/** Typical client operations that cover every kind of field. */
export const SAMPLE_OPERATIONS: readonly { readonly query: string; readonly variables?: Record<string, unknown> }[] = [
  { query: '{ __typename }' },
  { query: '{ providers { provider configured sandbox capabilities name health { state errorRate p95Ms } } }' },
  {
    query: `query Page($first: Int = 20, $after: String, $filter: SessionFilter, $orderBy: SessionOrder) {
      sessions(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
        totalCount liveCursor pageInfo { hasNextPage endCursor }
        edges { cursor node { id status outcome attempts(first: 5) { nodes { id status } } customer { id email } } } } }`,
    variables: {
      first: 10,
      filter: {
        providers: ['KAYLE', 'YORLET'],
        statuses: ['CREATED'],
        externalId: 'usr_1337',
        createdAfter: '2026-01-01T00:00:00.000Z',
      },
    },
  },
  {
    query: `query One($by: SessionLookup!, $freshness: Freshness) { session(by: $by, freshness: $freshness) {
      id details { __typename ... on KayleSessionDetails { shareFields { key required } } } timeline(first: 3) { nodes { id at ... on SessionStatusChanged { previousSessionStatus sessionStatus } } } sync { stale } } }`,
    variables: {
      by: { atProvider: { provider: 'KAYLE', providerId: 'vs_nobody' } },
      freshness: { maxAgeSeconds: 60, onError: 'SERVE_STALE' },
    },
  },
  {
    query:
      'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Customer { email sessions(first: 2) { totalCount } } } }',
    variables: { ids: ['a', 'U2Vzc2lvbjox', 'Q3VzdG9tZXI6MQ'] },
  },
  {
    query:
      'query ($email: String) { customers(filter: { email: $email }) { nodes { ...C } } applicants(last: 3) { nodes { id } } } fragment C on Customer { id name metadata }',
    variables: { email: 'a@example.com' },
  },
  {
    query:
      'mutation Create($input: CreateSessionInput!) { createSession(input: $input) { __typename ... on CreateSessionPayload { replayed session { id access { hostedUrl } } } ... on InvalidInputError { issues { path message } } ... on MutationError { code message } } }',
    variables: {
      input: {
        idempotencyKey: 'fuzz-1',
        externalId: 'usr_1337',
        metadata: { plan: 'gold', seats: [1, 2] },
        session: {
          kayle: {
            redirectUrl: 'https://app.example.com/done',
            shareFields: [{ key: 'date_of_birth', required: true, reason: 'Age' }],
          },
        },
      },
    },
  },
  {
    query:
      'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { __typename ... on MutationError { code } } }',
    variables: {
      input: {
        idempotencyKey: 'fuzz-2',
        customer: { rapidly: { email: 'a@example.com', metadata: { a: 'b' }, billingAddress: { country: 'GB' } } },
      },
    },
  },
  {
    query:
      'mutation { cancelSession(input: { sessionId: "U2Vzc2lvbjox" }) { __typename ... on MutationError { code message } } linkSession(input: { sessionId: "a", externalId: null }) { __typename } }',
  },
  {
    query:
      'query ($by: ProviderOperationLookup!) { operation(by: $by) { id state lastError { code } session { id } } }',
    variables: { by: { idempotencyKey: 'fuzz-1' } },
  },
  {
    query:
      '{ __schema { queryType { name } types { name kind } } __type(name: "Session") { fields { name type { name ofType { name } } } } }',
  },
]
