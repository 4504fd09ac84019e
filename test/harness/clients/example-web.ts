import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, preview } from 'vite'
import { packageRoot } from '../../../src/app/package.ts'

export const EXAMPLE_WEB = join(packageRoot(), 'examples/web')

export interface ExampleWeb {
  readonly url: string
  close(): Promise<void>
}

/**
 * Builds the front end for production or development. Its dependencies are also dependencies of this package, so nothing
 * has to be installed first.
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

/** Serves the build and runs the example's own server, for an API at this URL. */
export async function serveExample(outDir: string, port: number, api: { url: string; key: string }) {
  // The example's server reads its settings at startup.
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

/** Sets environment variables. The returned function restores them. */
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
