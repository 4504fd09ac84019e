import {
  type ASTNode,
  coerceInputValue,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  isInputType,
  Kind,
  typeFromAST,
  type VariableDefinitionNode,
} from 'graphql'

/**
 * What does not fit in the variables of an operation, all of it at once. The messages say where and what was expected;
 * unlike the executor's own they never repeat a value.
 */
export function checkVariables(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>>,
): GraphQLError[] {
  const operation = getOperationAST(document, operationName)
  return (operation?.variableDefinitions ?? []).flatMap(definition => checkVariable(schema, definition, variables))
}

function checkVariable(
  schema: GraphQLSchema,
  definition: VariableDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): GraphQLError[] {
  const name = definition.variable.name.value
  const type = typeFromAST(schema, definition.type)
  if (!isInputType(type)) return []
  if (!Object.hasOwn(variables, name) || variables[name] === undefined) {
    const missing = definition.type.kind === Kind.NON_NULL_TYPE && !definition.defaultValue
    return missing ? [misfit(`$${name}`, `Expected a value of type "${type}".`, definition)] : []
  }
  const errors: GraphQLError[] = []
  coerceInputValue(variables[name], type, (path, _value, error) => {
    errors.push(misfit([`$${name}`, ...path].join('.'), toSafeMessage(error), definition))
  })
  return errors
}

/** graphql's messages about a shape name types and fields only; those of scalars and enums repeat the value. */
function toSafeMessage(error: GraphQLError): string {
  const safe = error.originalError === undefined && /^(Expected |Field "\w+" |Exactly one )/.test(error.message)
  return safe ? error.message : 'Expected a value that its type allows.'
}

function misfit(place: string, message: string, node: ASTNode): GraphQLError {
  return new GraphQLError(`${place}: ${message}`, {
    nodes: [node],
    extensions: { code: 'BAD_REQUEST', http: { status: 400, spec: true } },
  })
}
