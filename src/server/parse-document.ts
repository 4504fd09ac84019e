import { type DocumentNode, type GraphQLError, Lexer, parse, Source, TokenKind } from 'graphql'
import { shapeOf } from './document-shape.ts'
import type { DoorLimits } from './limits.ts'
import { refuse } from './refusal.ts'

/** A document that is within the limits, before anybody validates it: validation takes more than linear time. */
export function parseDocument(source: string | Source, limits: DoorLimits): DocumentNode {
  const document = parseTokens(source, limits.maxTokens)
  const { depth, aliases, rootFields } = shapeOf(document)
  if (depth > limits.maxDepth) throw tooComplex(`fields nested at most ${limits.maxDepth} deep`)
  if (aliases > limits.maxAliases) throw tooComplex(`at most ${limits.maxAliases} aliases`)
  if (rootFields > limits.maxRootFields) throw tooComplex(`at most ${limits.maxRootFields} fields at the top`)
  return document
}

/** A limit that the document exceeds. */
export function tooComplex(expected: string): GraphQLError {
  return refuse('QUERY_TOO_COMPLEX', `Expected ${expected}.`, { status: 400, ofDocument: true })
}

function parseTokens(source: string | Source, maxTokens: number): DocumentNode {
  try {
    return parse(source, { maxTokens })
  } catch (error) {
    if (hasMoreTokens(source, maxTokens)) throw tooComplex(`a document of at most ${maxTokens} tokens`)
    throw error
  }
}

/** Told by counting: the parser tells it by its message only. */
function hasMoreTokens(source: string | Source, most: number): boolean {
  const lexer = new Lexer(typeof source === 'string' ? new Source(source) : source)
  try {
    for (let count = 0; count <= most; count++) if (lexer.advance().kind === TokenKind.EOF) return false
    return true
  } catch {
    return false
  }
}
