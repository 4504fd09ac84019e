import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/**
 * `npm run build`: the server and its command line, each with all that it needs in few files, so that a process does not
 * look for two thousand of them when it starts. What is imported later stays in files of its own. `--outdir` takes the
 * place of dist.
 */

const root = fileURLToPath(new URL('../', import.meta.url))
const at = process.argv.indexOf('--outdir')
const outdir = at < 0 ? `${root}dist` : (process.argv[at + 1] ?? '')

/** Packages that were written for `require` ask for node's own modules by it. */
const REQUIRE = "import { createRequire as toRequire } from 'node:module'; const require = toRequire(import.meta.url);"

rmSync(outdir, { recursive: true, force: true })
await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts', 'src/cli/main.ts'],
  outdir,
  outbase: '.',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // It finds its compiled part beside itself.
  external: ['better-sqlite3'],
  banner: { js: REQUIRE },
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
})
