import { expect, test } from 'vitest'
import { compareAnswers, DOCUMENTS } from '../harness/documents/compare-answers.ts'

/**
 * However often a document is repeated, with whatever variables and on either path, the response is that of graphql-js.
 */

test(`${DOCUMENTS} random documents of a caller with some scopes are answered as by graphql-js, field order included`, async () => {
  // Many documents fail, and no test reads the stack traces.
  Error.stackTraceLimit = 0
  const { faults, ...counts } = await compareAnswers(['sessions:read', 'applicants:read'])
  console.info(counts)
  expect(faults.join('\n\n')).toBe('')
  // Most documents must be valid.
  expect(counts.withoutData).toBeLessThan(DOCUMENTS / 5)
}, 600_000)
