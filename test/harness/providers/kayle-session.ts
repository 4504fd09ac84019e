import type { TestApp } from '../app/test-app.ts'

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

/** Creates a session of a user at Kayle. */
export async function createKayleSession(
  app: TestApp,
  externalId: string,
  key = externalId,
): Promise<{ readonly id: string; readonly providerId: string; readonly liveCursor: string }> {
  const { data } = await app.execute(CREATE, { key, externalId })
  return data.createSession.session
}
