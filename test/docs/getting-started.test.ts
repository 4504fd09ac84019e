import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished, test } from 'vitest'
import { findFreePort } from '../harness/app/server-process.ts'
import { API_KEY, startApp } from '../harness/app/test-app.ts'
import { useBrowser } from '../harness/clients/browser.ts'
import { codeBlocks, readDoc } from '../harness/docs/docs.ts'

const browser = useBrowser()
const page = readDoc('docs/getting-started.md')

test('the front end of docs/getting-started.md creates, lists and follows sessions', async () => {
  const app = await startApp({ SANDBOX_WEBHOOKS: 'on' })
  const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-getting-started-'))
  writeFileSync(join(folder, 'server.mjs'), codeBlocks(page, 'js')[0] ?? '')
  writeFileSync(join(folder, 'page.html'), codeBlocks(page, 'html')[0] ?? '')
  const port = await findFreePort()
  const { PATH } = process.env
  const env = { PATH, PORT: String(port), SESSIONGRAPH_URL: app.url, SESSIONGRAPH_API_KEY: API_KEY }
  const server = spawn(process.execPath, ['server.mjs'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const visit = await browser.visit()
  onTestFinished(async () => {
    await visit.close()
    server.kill()
    await app.close()
    rmSync(folder, { recursive: true, force: true })
  })
  await printed(server)

  await app.execute(`mutation { createSession(input: { idempotencyKey: "before", externalId: "user-1",
    session: { kayle: {} } }) { __typename } }`)
  await visit.page.goto(`http://localhost:${port}`)
  await visit.page.getByText('KAYLE: CREATED, PENDING').waitFor()
  const opening = visit.page.context().waitForEvent('page')
  await visit.page.getByRole('button', { name: 'Verify me' }).click()
  await (await opening).getByRole('button', { name: 'Succeed' }).click()
  await visit.page.getByText('KAYLE: COMPLETED, APPROVED').waitFor()
})

function printed(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    server.stdout?.once('data', () => resolve())
    server.once('exit', code => reject(new Error(`server.mjs exited with ${code}.`)))
  })
}
