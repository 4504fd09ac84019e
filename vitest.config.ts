import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { SkipReporter } from './test/harness/skip-reporter.ts'

/** TEST_REPORT: where a machine reads how the run went, beside what a person reads. */
const report = process.env.TEST_REPORT
const forMachines: ['json', { outputFile: string }][] = report ? [['json', { outputFile: report }]] : []

export default defineConfig({
  // Two copies of graphql would be loaded otherwise, and they refuse each other's schemas.
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }] },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    reporters: ['default', ...forMachines, new SkipReporter()],
  },
})
