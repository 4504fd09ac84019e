import type { ExecutionResult, GraphQLError } from 'graphql'
import type { Context } from '../../context.ts'
import type { Memory } from '../../domain/row-turns.ts'
import { isLargerThan } from '../document/answer-size.ts'
import { answerTooLarge, MAX_ANSWER_CHARACTERS, MAX_ANSWER_ERRORS, tooManyErrors } from './execute.ts'
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
 * The same parts, with an error in the place of one that is too large or has too many errors. Each is written at once, in the
 * memory of the process, so each waits until there is room, and those of large operations come in turns.
 */
export function boundParts(
  parts: AsyncIterable<Part>,
  operation: Pick<Context, 'errorCount' | 'rowTurns'>,
  memory: Pick<Memory, 'whenRoom'>,
): AsyncGenerator<Part, undefined> {
  const iterator = parts[Symbol.asyncIterator]()
  const next = async (): Promise<IteratorResult<Part, undefined>> => {
    const step = await iterator.next()
    if (step.done) return OVER
    await operation.rowTurns?.waitToWrite()
    await memory.whenRoom()
    return { done: false, value: boundPart(step.value, operation) }
  }
  return iterateResults(next, async () => iterator.return?.())
}

function boundPart(part: Part, operation: Pick<Context, 'errorCount'>): Part {
  const { data, errors = [], incremental } = part
  operation.errorCount += errors.length
  const refusal = refusalOf(data, errors.length)
  return {
    ...part,
    ...(refusal && { data: null, errors: [refusal] }),
    ...(incremental && { incremental: boundIncremental(incremental, operation) }),
  }
}

/** They are written together, so the limit of errors is that of their sum. */
function boundIncremental(
  parts: readonly IncrementalPart[],
  operation: Pick<Context, 'errorCount'>,
): readonly IncrementalPart[] {
  let sum = 0
  return parts.map(part => {
    const { data, items, errors = [] } = part
    operation.errorCount += errors.length
    sum += errors.length
    const refusal = refusalOf(data ?? items, errors.length > 0 ? sum : 0)
    if (!refusal) return part
    return { ...part, ...(items === undefined ? { data: null } : { items: null }), errors: [refusal] }
  })
}

function refusalOf(data: unknown, errors: number): GraphQLError | undefined {
  if (errors > MAX_ANSWER_ERRORS) return tooManyErrors()
  return isLargerThan(data, MAX_ANSWER_CHARACTERS) ? answerTooLarge() : undefined
}
