import type { ExecutionResult, GraphQLError } from 'graphql'
import type { RowTurns } from '../../domain/row-turns.ts'
import { isLargerThan } from '../document/answer-size.ts'
import { answerTooLarge, MAX_ANSWER_CHARACTERS } from './execute.ts'
import { iterateResults, OVER } from './result-iterator.ts'

/** The event of a subscription, or a part of an incremental response. */
interface Part extends ExecutionResult {
  readonly incremental?: readonly IncrementalPart[]
}

interface IncrementalPart {
  readonly data?: unknown
  readonly items?: unknown
  readonly errors?: readonly GraphQLError[]
}

/**
 * The same parts, with an error in the place of one that is too large. Each is written at once, in the memory of the process, so
 * those of large operations come in turns.
 */
export function boundParts(
  parts: AsyncIterable<Part>,
  rowTurns: RowTurns | undefined,
): AsyncGenerator<Part, undefined> {
  const iterator = parts[Symbol.asyncIterator]()
  const next = async (): Promise<IteratorResult<Part, undefined>> => {
    const step = await iterator.next()
    if (step.done) return OVER
    await rowTurns?.waitToWrite()
    return { done: false, value: boundPart(step.value) }
  }
  return iterateResults(next, async () => iterator.return?.())
}

function boundPart(part: Part): Part {
  const { data, incremental } = part
  return {
    ...part,
    ...(isLargerThan(data, MAX_ANSWER_CHARACTERS) && { data: null, errors: [answerTooLarge()] }),
    ...(incremental && { incremental: incremental.map(boundIncremental) }),
  }
}

function boundIncremental(part: IncrementalPart): IncrementalPart {
  if (!isLargerThan(part.data ?? part.items, MAX_ANSWER_CHARACTERS)) return part
  const empty = part.items === undefined ? { data: null } : { items: null }
  return { ...part, ...empty, errors: [answerTooLarge()] }
}
