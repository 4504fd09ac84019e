import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageRoot } from '../../src/app/package.ts'

/**
 * A sixth provider is one folder and two lines, as in docs/guides/adding-a-provider.md: the folder of examples/sixth-provider
 * is put into a copy of the package, which must pass the tests of every provider.
 */

const run = promisify(execFile)
const root = packageRoot()

const copy = mkdtempSync(join(tmpdir(), 'sessiongraph-sixth-'))
const COPIED = ['README.md', 'console', 'db', 'docs', 'schema', 'scripts', 'src', 'test']
/** The tests of every provider, and those that another provider could break. */
const TESTS = [
  'architecture/import-rules',
  'providers/contract',
  'providers/sixth',
  'records/next-action',
  'schema/authorization-rules',
  'schema/schema',
  'webhooks/contract',
]

beforeAll(() => {
  for (const path of [...COPIED, 'package.json', 'tsconfig.json']) {
    mkdirSync(join(copy, path, '..'), { recursive: true })
    cpSync(join(root, path), join(copy, path), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  cpSync(join(root, 'examples/graphiql'), join(copy, 'examples/graphiql'), { recursive: true })
  cpSync(join(root, 'examples/sixth-provider/zenith'), join(copy, 'src/providers/zenith'), { recursive: true })
  cpSync(join(root, 'examples/sixth-provider/sixth.test.ts.txt'), join(copy, 'test/providers/sixth.test.ts'))
  writeFileSync(join(copy, 'vitest.config.ts'), CONFIG)
  // The tests of the copy are run, and not compiled.
  change(
    'tsconfig.json',
    '"include": ["src", "schema", "db", "test", "scripts", "*.ts"]',
    '"include": ["src", "schema", "db"]',
  )
})
afterAll(() => rmSync(copy, { recursive: true, force: true }))

/** The vitest settings of the package, without its projects. */
const CONFIG = `
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
export default defineConfig({
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }] },
  test: { testTimeout: 30_000, maxWorkers: 1, isolate: false, include: ${JSON.stringify(TESTS.map(name => `test/${name}.test.ts`))} },
})
`

/** Changes a file of the copy by one line. Throws if the line to change is missing. */
function change(file: string, from: string, to: string): void {
  const path = join(copy, file)
  const before = readFileSync(path, 'utf8')
  expect(before, file).toContain(from)
  writeFileSync(path, before.replace(from, to))
}

const WITHOUT_THE_LINE = 'src/providers/registry-without-the-line.ts'

const tsc = () => run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], { cwd: copy })

test('the compiler requires the registry line once the provider name exists, and then nothing else', async () => {
  change('src/domain/provider.ts', "'YORLET'] as const", "'YORLET', 'ZENITH'] as const")
  // One run of the compiler reads the registry with the line and the one without it.
  cpSync(join(copy, 'src/providers/registry.ts'), join(copy, WITHOUT_THE_LINE))
  change('src/providers/registry.ts', '  YORLET: yorlet,\n', '  YORLET: yorlet,\n  ZENITH: zenith,\n')
  change(
    'src/providers/registry.ts',
    "from './yorlet/index.ts'\n",
    "from './yorlet/index.ts'\nimport { zenith } from './zenith/index.ts'\n",
  )
  const { stdout } = await tsc().catch((error: { stdout: string }) => error)
  rmSync(join(copy, WITHOUT_THE_LINE))
  const faults = stdout.split('\n').filter(line => /^\S/.test(line))
  expect(faults).toEqual([expect.stringMatching(/^src\/providers\/registry-without-the-line\.ts.*(ZENITH|Registry)/)])
}, 240_000)

test('it adds its member and its input to the schema, and changes nothing else', async () => {
  await run(process.execPath, ['--import', 'tsx', 'scripts/print-schema.ts'], { cwd: copy })
  const [before, after] = [root, copy].map(folder => readFileSync(join(folder, 'schema/schema.graphql'), 'utf8'))
  const lines = new Set(before?.split('\n'))
  const added = after?.split('\n').filter(line => !lines.has(line)) ?? []
  expect(added).toContain('type ZenithSessionDetails {')
  expect(added).toContain('input ZenithSessionInput {')
  expect(before).not.toMatch(/zenith/i)
}, 120_000)

test('it passes the provider contract, is served by the whole server, and breaks no test of the others', async () => {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const args = [vitest, 'run', '--reporter=json']
  const { stdout } = await run(process.execPath, args, { cwd: copy, maxBuffer: 2 ** 26 }).catch(error => error)
  const report = JSON.parse(stdout.slice(stdout.indexOf('{"numTotal')))
  const results: { status: string; fullName: string }[] = report.testResults.flatMap(
    (file: { assertionResults: object[] }) => file.assertionResults,
  )
  expect(results.filter(({ status }) => status === 'failed')).toEqual([])
  expect(report.testResults.filter(({ status }: { status: string }) => status === 'failed')).toEqual([])
  expect(results.filter(({ fullName }) => fullName.includes('ZENITH')).length).toBeGreaterThan(40)
}, 240_000)
