import type { FragmentOf } from 'gql.tada'
import { graphql } from './graphql.ts'

const sessionCard = graphql(`
  fragment SessionCard on Session {
    id
    provider
    status
    outcome
    createdAt
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

const screen = graphql(
  `
    fragment Screen on Person {
      id
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
  `,
  [sessionCard],
)

/** Everything that the page shows, in one query. */
export const Journey = graphql(
  `
    query Journey($externalId: String!) {
      person(externalId: $externalId) {
        liveCursor
        ...Screen
      }
    }
  `,
  [screen],
)

/** The same after each event of any session of the person: one stream for the whole page. */
export const Followed = graphql(
  `
    subscription Followed($externalId: String!, $after: String) {
      personUpdated(externalId: $externalId, after: $after) {
        cursor
        person {
          ...Screen
        }
      }
    }
  `,
  [screen],
)

export type Session = FragmentOf<typeof sessionCard>
export type Person = FragmentOf<typeof screen>
export type NextAction = NonNullable<Person['nextAction']>
export type Provider = Session['provider']
export type Event = Session['timeline']['nodes'][number]
