import type { FragmentOf, ResultOf } from 'gql.tada'
import { graphql } from './graphql.ts'

const sessionCard = graphql(`
  fragment SessionCard on Session {
    id
    provider
    status
    outcome
    createdAt
    liveCursor
    attempts(first: 10) {
      nodes {
        id
        kind
        status
        failureCode
        createdAt
      }
    }
    timeline(first: 100) {
      nodes {
        __typename
        id
        at
        ... on SessionStatusChanged {
          sessionStatus
          outcome
        }
        ... on AttemptStatusChanged {
          attemptStatus
        }
        ... on WebhookReceived {
          providerEvent
        }
      }
    }
  }
`)

/** Everything that the page shows, in one query. */
export const Journey = graphql(
  `
    query Journey($externalId: String!) {
      person(externalId: $externalId) {
        nextAction {
          kind
          needsNewSession
          url
          session {
            id
            provider
          }
        }
        sessions(first: 10) {
          nodes {
            ...SessionCard
          }
        }
      }
    }
  `,
  [sessionCard],
)

/** The events of one session, with its state at that time. */
export const Followed = graphql(
  `
    subscription Followed($id: ID!, $after: String) {
      sessionUpdated(id: $id, after: $after) {
        session {
          ...SessionCard
        }
      }
    }
  `,
  [sessionCard],
)

export type Session = FragmentOf<typeof sessionCard>
export type Person = NonNullable<ResultOf<typeof Journey>['person']>
export type NextAction = NonNullable<Person['nextAction']>
export type Provider = Session['provider']
export type Event = Session['timeline']['nodes'][number]
