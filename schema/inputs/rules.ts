import { decodeGlobalId, MAX_GLOBAL_ID } from '../../src/domain/global-id.ts'
import { text } from '../../src/input/rules.ts'

/** Shared rules of arguments and inputs. The GraphQL descriptions document them. */

/** A key, an id or a name that the caller chooses: 1 to 255 characters. */
export const shortString = { schema: text() }

/** An id or a search text of at most 255 characters. It may be malformed: then it matches nothing. */
export const searchedText = { schema: text({ min: 0, lines: true }) }

/** An id of any type. It may be malformed: then it matches nothing. */
export const globalId = { schema: text({ min: 0, max: MAX_GLOBAL_ID, lines: true }) }

const MAX_CHOICES = 20

/** A list of enum values, at most 20. */
export const choices = {
  maxLength: [MAX_CHOICES, { message: `Expected at most ${MAX_CHOICES} values.` }] as [number, { message: string }],
}

/** The stored id of a global id. '' for an id of another type: no row has an empty id, so it is a miss. */
export function decodeId(typename: string, globalId: string): string {
  const decoded = decodeGlobalId(globalId)
  return decoded?.typename === typename ? decoded.id : ''
}
