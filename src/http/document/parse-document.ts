import { type DocumentNode, GraphQLError, Lexer, parse, Source, TokenKind } from 'graphql'
import type { YogaServerInstance } from 'graphql-yoga'
import { httpError } from '../errors/http-error.ts'
import type { RequestLimits } from '../limits.ts'
import { countComparedFields, measureDocument } from './query-complexity.ts'

/** Parses a document and checks its limits before validation, which takes more than linear time. */
export function parseDocument(source: string | Source, limits: RequestLimits): DocumentNode {
  const document = parseTokens(source, limits.maxTokens)
  if (bracketsIn(document) > limits.maxJsonDepth) throw queryTooDeep(limits)
  assertShortNames(document)
  const { depth, nesting, aliases, rootFields } = measureDocument(document)
  if (nesting > limits.maxJsonDepth) throw queryTooDeep(limits)
  if (depth > limits.maxDepth) throw queryTooComplex(`fields nested at most ${limits.maxDepth} deep`)
  if (aliases > limits.maxAliases) throw queryTooComplex(`at most ${limits.maxAliases} aliases`)
  if (rootFields > limits.maxRootFields) throw queryTooComplex(`at most ${limits.maxRootFields} root fields`)
  if (countComparedFields(document, MAX_COMPARED_FIELDS) > MAX_COMPARED_FIELDS) throw queryTooComplex(FEWER_SAME_FIELDS)
  return document
}

/** Validation compares each pair of them. */
const MAX_COMPARED_FIELDS = 5_000
const FEWER_SAME_FIELDS =
  'at most about 100 fields of the same name in one place, fewer if they have selections: merge their selections'

export function queryTooComplex(expected: string): GraphQLError {
  return httpError('QUERY_TOO_COMPLEX', `Expected ${expected}.`, { status: 400, ofDocument: true })
}

function queryTooDeep({ maxJsonDepth }: RequestLimits): GraphQLError {
  return queryTooComplex(`a document nested at most ${maxJsonDepth} deep`)
}

/** The maximum nesting of brackets of any kind: of selections, arguments, lists, objects and types. */
function bracketsIn({ loc }: DocumentNode): number {
  let [open, max] = [0, 0]
  for (let token = loc?.startToken; token; token = token.next ?? undefined) {
    if (OPENING.has(token.kind)) max = Math.max(max, ++open)
    else if (CLOSING.has(token.kind)) open--
  }
  return max
}

/** Responses, log lines and metrics repeat the names of a document, and validation compares them with those of the schema. */
const MAX_NAME_CHARACTERS = 255

function assertShortNames({ loc }: DocumentNode): void {
  for (let token = loc?.startToken; token; token = token.next ?? undefined) {
    if (token.kind !== TokenKind.NAME || token.end - token.start <= MAX_NAME_CHARACTERS) continue
    throw new GraphQLError(`Expected names of at most ${MAX_NAME_CHARACTERS} characters.`, {
      source: loc?.source,
      positions: [token.start],
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED', http: { status: 400, spec: true } },
    })
  }
}

const OPENING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L])
const CLOSING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R])

function parseTokens(source: string | Source, maxTokens: number): DocumentNode {
  try {
    return parse(source, { maxTokens })
  } catch (error) {
    if (hasMoreTokens(source, maxTokens)) throw queryTooComplex(`a document of at most ${maxTokens} tokens`)
    throw error
  }
}

/** Counts the tokens, because the parser reports too many by its message only. */
function hasMoreTokens(source: string | Source, maxTokens: number): boolean {
  const lexer = new Lexer(typeof source === 'string' ? new Source(source) : source)
  try {
    for (let count = 0; count <= maxTokens; count++) if (lexer.advance().kind === TokenKind.EOF) return false
    return true
  } catch {
    return false
  }
}

/** Parses and validates a document as for a request; undefined if it is invalid. */
export function createDocumentLoader(
  getEnveloped: YogaServerInstance<object, object>['getEnveloped'],
  limits: RequestLimits,
): (text: string) => DocumentNode | undefined {
  return text => {
    const { validate, schema } = getEnveloped({})
    try {
      const document = parseDocument(text, limits)
      return validate(schema, document).length === 0 ? document : undefined
    } catch {
      return undefined
    }
  }
}
