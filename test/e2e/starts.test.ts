import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { executeAt, killBuilt, startBuilt, whenReady } from '../harness/app/built-server.ts'

/** Starts on a SQLite file that a killed server left. `STARTS` runs longer. */

const STARTS = Number(process.env.STARTS ?? 5)

const create = (key: string) => `mutation { createSession(input: {
  idempotencyKey: "${key}", externalId: "starts", session: { kayle: { redirectUrl: "https://example.com/done" } }
}) { ... on CreateSessionPayload { session { id } } ... on MutationError { code } } }`

test(
  'a server starts on the file of a killed one, and keeps what that one acknowledged',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-starts-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const env = { DATABASE_URL: `sqlite:${join(folder, 'starts.db')}` }
    for (let start = 1; start <= STARTS; start++) {
      const server = await startBuilt({ env })
      await whenReady(server)
      const before = await executeAt(server, '{ sessions(filter: { externalId: "starts" }) { totalCount } }')
      expect(before).toEqual({ data: { sessions: { totalCount: start - 1 } } })
      const { data } = await executeAt(server, create(`start-${start}`))
      expect(data.createSession.session.id).toEqual(expect.any(String))
      // In the middle of writing.
      void executeAt(server, create(`start-${start}`)).catch(() => {})
      killBuilt(server)
    }
  },
  60_000 + STARTS * 20_000,
)
