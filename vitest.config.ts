import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig, type TestProjectConfiguration } from 'vitest/config'
import { POSTGRES_URL, whyNoPostgres } from './test/harness/app/postgres.ts'
import { findRedis, NO_REDIS } from './test/harness/app/redis.ts'
import { CHROMIUM } from './test/harness/clients/chromium.ts'
import { SkipReporter } from './test/harness/skip-reporter.ts'
import { SlowFirstSequencer } from './test/harness/slow-first-sequencer.ts'

/** TEST_REPORT: where a machine reads how the run went, beside what a person reads. */
const report = process.env.TEST_REPORT
const forMachines: ['json', { outputFile: string }][] = report ? [['json', { outputFile: report }]] : []

const BUILD_SETUP = 'test/harness/app/build-setup.ts'

/** The tests whose behaviour rests on the database. They run on both. */
const ON_BOTH = [
  'access/accounts',
  'access/key-limit',
  'admin/console',
  'cli/doctor',
  'cli/person-show',
  'consistency/clocks',
  'consistency/history-model',
  'consistency/instances',
  'consistency/simulation',
  'consistency/unknown-statuses',
  'creates/create-applicant-customer',
  'creates/create-outcomes',
  'creates/create-session',
  'creates/late-create-response',
  'creates/recovery-matrix',
  'creates/search-hints',
  'db/encrypted-places',
  'db/postgres*',
  'db/statement-counts',
  'e2e/create-property',
  'e2e/subscription-property',
  'events/events',
  'events/person-updates',
  'events/subscriptions',
  'events/timeline',
  'execution/refused-mutations',
  'execution/repeated-mutations',
  'inputs/equivalent-input',
  'inputs/inputs',
  'inputs/metadata',
  'inputs/texts',
  'jobs/import',
  'jobs/polling',
  'jobs/prune',
  'ownership/many-sessions',
  'ownership/ownership',
  'ownership/races',
  'ownership/readers',
  'privacy/erased-for-good',
  'privacy/erasure',
  'privacy/erasure-model',
  'privacy/erasure-of-many',
  'privacy/key-rotation',
  'privacy/personal-data',
  'providers/kayle-versions',
  'providers/personr-rejections',
  'providers/statuses',
  'records/change-session',
  'records/concurrent-store',
  'records/hosted-link',
  'records/lists',
  'records/pages',
  'records/person',
  'records/read',
  'records/repeated-answers',
  'webhooks/applicant-notices',
  'webhooks/delivery-order',
  'webhooks/kayle-claims',
  'webhooks/webhooks',
].map(name => `test/${name}.test.ts`)

const { host } = new URL(POSTGRES_URL)
const whyNot = await whyNoPostgres()
/** TEST_REQUIRE_SERVICES=1: a run that cannot use them fails. */
if (whyNot && process.env.TEST_REQUIRE_SERVICES) throw new Error(`PostgreSQL at ${host}: ${whyNot}`)
const redis = await findRedis()
if (process.env.TEST_REQUIRE_SERVICES && !redis) throw new Error(NO_REDIS)
const services = [
  whyNot ? `PostgreSQL: not used, ${host} says ${whyNot}` : `PostgreSQL: ${host}`,
  redis ? `Redis: ${new URL(redis).host}` : `Redis: not used. ${NO_REDIS}`,
  CHROMIUM ? `Browser: ${CHROMIUM}` : 'Browser: none at /usr/bin/chromium; CHROMIUM_PATH names another',
]
const skipped = whyNot ? [`${ON_BOTH.length} files on PostgreSQL: ${host} says ${whyNot}`] : []

/** On PostgreSQL requests go through Yoga, on SQLite through the fast path, so that each path runs all of these tests. */
const postgres = {
  extends: true,
  test: {
    name: 'postgres',
    include: ON_BOTH,
    globalSetup: [BUILD_SETUP, 'test/harness/app/postgres-setup.ts'],
    env: { TEST_HTTP: process.env.TEST_HTTP ?? 'fetch' },
  },
} satisfies TestProjectConfiguration

export default defineConfig({
  // Two copies of graphql would be loaded otherwise, and they refuse each other's schemas.
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }] },
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A busy machine takes seconds for what it usually does at once.
    expect: { poll: { timeout: 15_000 } },
    // Deadlines of milliseconds are part of what is tested, and a busy machine misses one now and then. A second failure counts.
    retry: process.env.CI ? 1 : 0,
    // The modules have no state, so the files of a worker share them: loading them again takes half of the time.
    isolate: false,
    // Half of the time a test waits for something: three files for two cores, where vitest leaves one core idle by default.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    // Of the concurrent tests of a file, which wait for a deadline at the same time.
    maxConcurrency: 40,
    sequence: { sequencer: SlowFirstSequencer },
    reporters: ['default', ...forMachines, new SkipReporter(skipped, services)],
    projects: [
      {
        extends: true,
        test: {
          name: 'sqlite',
          include: ['test/**/*.test.ts'],
          exclude: ['test/db/postgres*.test.ts'],
          globalSetup: BUILD_SETUP,
        },
      },
      ...(whyNot ? [] : [postgres]),
    ],
  },
})
