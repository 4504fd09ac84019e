import type { House } from './house.ts'

const CREATE = /* GraphQL */ `
  mutation ($key: String!, $externalId: String!) {
    createSession(
      input: {
        idempotencyKey: $key
        externalId: $externalId
        session: { kayle: { redirectUrl: "https://app.example.com/done" } }
      }
    ) {
      ... on CreateSessionPayload { session { id providerId liveCursor } }
    }
  }
`

/** A new session of a user's at Kayle. */
export async function createKayleSession(
  house: House,
  externalId: string,
  key = externalId,
): Promise<{ readonly id: string; readonly providerId: string; readonly liveCursor: string }> {
  const { data } = await house.ask(CREATE, { key, externalId })
  return data.createSession.session
}
