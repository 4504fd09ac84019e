import type { ExecutionResult, GraphQLError } from 'graphql'
import { isLargerThan } from '../document/answer-size.ts'
import { answerTooLarge, MAX_ANSWER_CHARACTERS } from './execute.ts'

/** The event of a subscription, or a part of an incremental response. */
interface Part extends ExecutionResult {
  readonly incremental?: readonly IncrementalPart[]
}

interface IncrementalPart {
  readonly data?: unknown
  readonly items?: unknown
  readonly errors?: readonly GraphQLError[]
}

/** The same parts, with an error in the place of one that is too large. Each is written at once, in the memory of the process. */
export function boundParts(parts: AsyncIterable<Part>): AsyncIterableIterator<Part> {
  const iterator = parts[Symbol.asyncIterator]()
  const bounded: AsyncIterableIterator<Part> = {
    next: async () => {
      const { value, done } = await iterator.next()
      return done ? { value: undefined, done } : { value: boundPart(value), done: false }
    },
    // Not a generator: that would end only after the part for which it waits.
    return: async () => {
      await iterator.return?.()
      return { value: undefined, done: true }
    },
    [Symbol.asyncIterator]: () => bounded,
  }
  return bounded
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
