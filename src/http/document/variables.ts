import {
  type ASTNode,
  coerceInputValue,
  type DocumentNode,
  GraphQLError,
  type GraphQLInputType,
  type GraphQLNamedInputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getOperationAST,
  isInputObjectType,
  isInputType,
  isListType,
  Kind,
  typeFromAST,
  type VariableDefinitionNode,
} from 'graphql'
import { truncateInput } from '../errors/error-formatter.ts'
import { expectedValue, foundInJson, isReportedHere } from './expected-value.ts'

/** Bounds the response: further errors are not reported. */
const MAX_ERRORS = 10

/**
 * The invalid variables of an operation. Messages have the path and the expected and found value. Unlike the executor's
 * own messages they repeat no value except a name given for an enum. `suggestions`: whether they may reveal the schema.
 */
export function validateVariables(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>>,
  suggestions: boolean,
): GraphQLError[] {
  const operation = getOperationAST(document, operationName)
  const errors: GraphQLError[] = []
  for (const definition of operation?.variableDefinitions ?? []) {
    if (errors.length >= MAX_ERRORS) break
    errors.push(...checkVariable(schema, definition, variables, suggestions, MAX_ERRORS - errors.length))
  }
  return errors
}

function checkVariable(
  schema: GraphQLSchema,
  definition: VariableDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
  suggestions: boolean,
  most: number,
): GraphQLError[] {
  const name = definition.variable.name.value
  const type = typeFromAST(schema, definition.type)
  if (!isInputType(type)) return []
  if (!Object.hasOwn(variables, name) || variables[name] === undefined) {
    const missing = definition.type.kind === Kind.NON_NULL_TYPE && !definition.defaultValue
    return missing ? [variableError([name], `Expected a value of type "${type}".`, definition)] : []
  }
  const errors: GraphQLError[] = []
  try {
    const onError: Parameters<typeof coerceInputValue>[2] = (path, value, error) => {
      const message = toMessage(typeAt(type, path), value, error, suggestions)
      errors.push(variableError([name, ...path], message, definition))
      if (errors.length >= most) throw new TooManyErrors()
    }
    coerceInputValue(variables[name], type, onError, !suggestions)
  } catch (error) {
    if (!(error instanceof TooManyErrors)) throw error
  }
  return errors
}

/** Stops a coercion at the maximum number of errors. */
class TooManyErrors extends Error {}

/** The named type at a path inside a value of `type`. */
function typeAt(type: GraphQLInputType, path: readonly (string | number)[]): GraphQLNamedInputType | undefined {
  const [key, ...rest] = path
  const outer = getNullableType(type)
  if (key === undefined) return getNamedType(outer)
  // GraphQL coerces a single value to a list of one.
  if (isListType(outer)) return typeAt(outer.ofType, typeof key === 'number' ? rest : path)
  const field = isInputObjectType(outer) ? outer.getFields()[key] : undefined
  return field && typeAt(field.type, rest)
}

function toMessage(
  type: GraphQLNamedInputType | undefined,
  value: unknown,
  error: GraphQLError,
  suggestions: boolean,
): string {
  const isGiven = value !== null && value !== undefined
  if (isGiven && isReportedHere(type)) {
    return expectedValue(type, foundInJson(value), suggestions, error.message)
  }
  // graphql's messages about a shape name only types and fields, and custom scalars throw a GraphQLError of their own.
  // The message of any other error may repeat the value.
  return error.originalError === undefined
    ? error.message
    : `Expected a value that ${type ? `the type "${type.name}"` : 'its type'} allows.`
}

function variableError(path: readonly (string | number)[], message: string, node: ASTNode): GraphQLError {
  return new GraphQLError(truncateInput(`$${path.join('.')}: ${message}`), {
    nodes: [node],
    extensions: { code: 'BAD_REQUEST', http: { status: 400, spec: true } },
  })
}
