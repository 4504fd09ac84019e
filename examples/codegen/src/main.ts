import { randomUUID } from 'node:crypto'
import { connect } from './client.ts'
import { createSession, follow, readSession } from './journey.ts'

/** Creates a session, reads it, and follows it until there is a decision. */

const client = connect(
  process.env.SESSIONGRAPH_URL ?? 'http://localhost:4000/graphql',
  process.env.SESSIONGRAPH_API_KEY ?? 'sg_dev_key_for_this_machine',
)

const created = await createSession(client, {
  idempotencyKey: randomUUID(),
  externalId: 'user-1',
  session: { kayle: {} },
})
const session = await readSession(client, created.id)
console.log(`${session?.provider} ${session?.status}. Open ${created.access?.hostedUrl} and choose the result.`)

for await (const { session } of follow(client, created.id, created.liveCursor)) {
  console.log(session.status, session.outcome)
  if (session.outcome !== 'PENDING') break
}
