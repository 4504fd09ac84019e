import { expect, test } from 'vitest'
import { SCOPES } from '../../src/domain/access/caller.ts'
import { compareAnswers, DOCUMENTS } from '../harness/documents/compare-answers.ts'

/**
 * However often a document was asked before, with whatever variables and by whichever way, it is answered as graphql-js
 * answers it.
 */

test(`${DOCUMENTS} random documents of a caller with every scope are answered as by graphql-js, field order included`, async () => {
  // Documents fail in many places, and nobody reads where the code stood.
  Error.stackTraceLimit = 0
  const { faults, ...counts } = await compareAnswers(SCOPES)
  console.info(counts)
  expect(faults.join('\n\n')).toBe('')
  // Most of them have to be executed.
  expect(counts.withoutData).toBeLessThan(DOCUMENTS / 5)
}, 600_000)
