import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, preview } from 'vite'
import { packageRoot } from '../../src/package.ts'

/** The folder of the front end. */
export const EXAMPLE_WEB = join(packageRoot(), 'examples/web')

export interface ExampleWeb {
  readonly url: string
  close(): Promise<void>
}

/**
 * Builds the front end, as for users or as for its developers. What it needs is among our own packages too, so that
 * nothing has to be installed first.
 */
export async function buildExample(
  mode: 'production' | 'development' = 'production',
): Promise<{ readonly outDir: string; remove(): void }> {
  const outDir = mkdtempSync(join(tmpdir(), 'sessiongraph-web-'))
  const restore = set({ NODE_ENV: mode })
  await build({ root: EXAMPLE_WEB, mode, logLevel: 'warn', build: { outDir, emptyOutDir: true } })
  restore()
  return { outDir, remove: () => rmSync(outDir, { recursive: true, force: true }) }
}

/** Serves what was built, with the company's own server beside it, for an API at this address. */
export async function serveExample(outDir: string, port: number, api: { url: string; key: string }) {
  // Its settings are read when it starts.
  const restore = set({ SESSIONGRAPH_URL: api.url, SESSIONGRAPH_API_KEY: api.key })
  const server = await preview({
    root: EXAMPLE_WEB,
    logLevel: 'warn',
    build: { outDir },
    preview: { port, host: 'localhost' },
  })
  restore()
  return { url: `http://localhost:${port}/`, close: () => server.close() } satisfies ExampleWeb
}

/** Sets what is read from the environment, until the function returned is called. */
function set(settings: Readonly<Record<string, string>>): () => void {
  const before = Object.keys(settings).map(name => [name, process.env[name]] as const)
  Object.assign(process.env, settings)
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}
