import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/**
 * `npm run build`: bundles the server and the command line into few files, because resolving two thousand modules slows
 * down the start. Dynamic imports stay in separate files. `--outdir` replaces dist.
 */

const root = fileURLToPath(new URL('../', import.meta.url))
const at = process.argv.indexOf('--outdir')
const outdir = at < 0 ? `${root}dist` : (process.argv[at + 1] ?? '')

/** CommonJS packages call `require` for Node's modules. */
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
  // They load their native addon relative to their own files.
  external: ['better-sqlite3', 'better-sqlite3-node20'],
  banner: { js: REQUIRE },
  // graphql-js compares types faster then. Our own code reads its settings when it starts.
  define: { 'process.env.NODE_ENV': '"production"' },
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
})
