import { graphql } from './graphql/gql.ts'

export const CreateSession = graphql(/* GraphQL */ `
  mutation CreateSession($input: CreateSessionInput!) {
    createSession(input: $input) {
      __typename
      ... on CreateSessionPayload {
        replayed
        session {
          id
          providerId
          liveCursor
          access {
            hostedUrl
          }
        }
      }
      ... on InvalidInputError {
        issues {
          path
          message
        }
      }
      ... on MutationError {
        code
        message
        retryable
        retryAfterSeconds
      }
    }
  }
`)

/** The session with everything that belongs to it, in one call. */
export const ReadSession = graphql(/* GraphQL */ `
  query ReadSession($id: ID!) {
    session(by: { id: $id }) {
      id
      provider
      status
      outcome
      createdAt
      attempts(last: 10) {
        nodes {
          id
          status
        }
      }
      applicant {
        id
        email
      }
      customer {
        id
        name
      }
    }
  }
`)

export const FollowSession = graphql(/* GraphQL */ `
  subscription FollowSession($id: ID!, $after: String) {
    sessionUpdated(id: $id, after: $after) {
      cursor
      event {
        __typename
        at
      }
      session {
        id
        status
        outcome
      }
    }
  }
`)
