import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { POSTGRES_URL, whyNoPostgres } from './test/harness/postgres.ts'
import { findRedis, NO_REDIS } from './test/harness/redis.ts'
import { SkipReporter } from './test/harness/skip-reporter.ts'

/** TEST_REPORT: where a machine reads how the run went, beside what a person reads. */
const report = process.env.TEST_REPORT
const forMachines: ['json', { outputFile: string }][] = report ? [['json', { outputFile: report }]] : []

/** The tests whose behaviour rests on the database. They run on both. */
const ON_BOTH = [
  'accounts',
  'change-session',
  'console',
  'create-applicant-customer',
  'create-outcomes',
  'create-property',
  'create-session',
  'doctor',
  'erasure',
  'import',
  'late-answer',
  'lists',
  'live',
  'live-property',
  'personal-data',
  'person',
  'person-show',
  'polling',
  'postgres*',
  'prune',
  'read',
  'rotation',
  'same-record',
  'status',
  'timeline',
  'webhooks',
].map(name => `test/${name}.test.ts`)

const { host } = new URL(POSTGRES_URL)
const whyNot = await whyNoPostgres()
/** TEST_REQUIRE_SERVICES=1: a run that cannot use them fails. */
if (whyNot && process.env.TEST_REQUIRE_SERVICES) throw new Error(`PostgreSQL at ${host}: ${whyNot}`)
if (process.env.TEST_REQUIRE_SERVICES && !(await findRedis())) throw new Error(NO_REDIS)
const skipped = whyNot ? [`${ON_BOTH.length} files on PostgreSQL: ${host} says ${whyNot}`] : []

/** What they ask goes through Yoga's door here and the short way there, so that both doors show the whole behaviour. */
const postgres = {
  extends: true,
  test: {
    name: 'postgres',
    include: ON_BOTH,
    globalSetup: 'test/harness/postgres-setup.ts',
    env: { DOOR: process.env.DOOR ?? 'fetch' },
  },
} as const

export default defineConfig({
  // Two copies of graphql would be loaded otherwise, and they refuse each other's schemas.
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }] },
  test: {
    testTimeout: 20_000,
    reporters: ['default', ...forMachines, new SkipReporter(skipped)],
    projects: [
      { extends: true, test: { name: 'sqlite', include: ['test/**/*.test.ts'], exclude: ['test/postgres*.test.ts'] } },
      ...(whyNot ? [] : [postgres]),
    ],
  },
})
