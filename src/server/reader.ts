import type { DocumentNode } from 'graphql'
import type { YogaServerInstance } from 'graphql-yoga'
import type { DoorLimits } from './limits.ts'
import { parseDocument } from './parse-document.ts'

/** Reads the document of a text as every request's is read; undefined where it is none, or not valid. */
export function createReader(
  getEnveloped: YogaServerInstance<object, object>['getEnveloped'],
  limits: DoorLimits,
): (text: string) => DocumentNode | undefined {
  return text => {
    const { validate, schema } = getEnveloped({} as never)
    try {
      const document = parseDocument(text, limits)
      return validate(schema, document).length === 0 ? document : undefined
    } catch {
      return undefined
    }
  }
}
