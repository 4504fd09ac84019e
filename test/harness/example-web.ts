import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, preview } from 'vite'
import { packageRoot } from '../../src/examples.ts'

/** The folder of the front end. */
export const EXAMPLE_WEB = join(packageRoot(), 'examples/web')

export interface ExampleWeb {
  readonly url: string
  close(): Promise<void>
}

/** Builds the front end; what it needs is among our own packages too, so that nothing has to be installed first. */
export async function buildExample(): Promise<{ readonly outDir: string; remove(): void }> {
  const outDir = mkdtempSync(join(tmpdir(), 'sessiongraph-web-'))
  await build({ root: EXAMPLE_WEB, logLevel: 'warn', build: { outDir, emptyOutDir: true } })
  return { outDir, remove: () => rmSync(outDir, { recursive: true, force: true }) }
}

/** Serves what was built, with the company's own server beside it, for an API at this address. */
export async function serveExample(outDir: string, port: number, api: { url: string; key: string }) {
  // Its settings are read when it starts.
  const { SESSIONGRAPH_URL, SESSIONGRAPH_API_KEY } = process.env
  Object.assign(process.env, { SESSIONGRAPH_URL: api.url, SESSIONGRAPH_API_KEY: api.key })
  const server = await preview({
    root: EXAMPLE_WEB,
    logLevel: 'warn',
    build: { outDir },
    preview: { port, host: 'localhost' },
  })
  restore({ SESSIONGRAPH_URL, SESSIONGRAPH_API_KEY })
  return { url: `http://localhost:${port}/`, close: () => server.close() } satisfies ExampleWeb
}

function restore(settings: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
}
