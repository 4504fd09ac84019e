import {
  type DocumentNode,
  type ExecutionArgs,
  type FieldNode,
  GraphQLError,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  getOperationAST,
  getVariableValues,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'
import { ZodType } from 'zod'
import { InvalidInputError } from '../../domain/errors.ts'
import { toInvalidInputError } from '../../input/rules.ts'
import { pageIssues } from '../../services/lists/connection.ts'
import { toClientError } from '../errors/error-codes.ts'
import { isIncluded } from './operation-analysis.ts'
import { fragmentsOf } from './query-complexity.ts'

type Variables = Readonly<Record<string, unknown>>

/** Bounds the response: errors of further fields are not reported. */
const MAX_ERRORS = 10

/**
 * The invalid arguments of the fields below a mutation field. These fields are executed after the mutation took effect, so
 * their arguments are validated before it, by the same rules. The mutation field validates its own arguments, because
 * it returns their errors in its result union.
 */
export function validateArgumentsBelowMutation({
  schema,
  document,
  operationName,
  variableValues,
}: ExecutionArgs): GraphQLError[] {
  const operation = getOperationAST(document, operationName)
  const root = schema.getMutationType()
  if (operation?.operation !== 'mutation' || !root) return []
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variableValues ?? {}, {
    maxErrors: 1,
  })
  // The executor rejects invalid variables.
  return coerced ? validateBelow(schema, document, operation, root, coerced) : []
}

function validateBelow(
  schema: GraphQLSchema,
  document: DocumentNode,
  { selectionSet }: OperationDefinitionNode,
  root: GraphQLNamedType,
  variables: Variables,
): GraphQLError[] {
  const fragments = fragmentsOf(document)
  const visited = new Set<string>()
  const errors: GraphQLError[] = []

  function visitAll(type: GraphQLNamedType, { selections }: SelectionSetNode, path: readonly string[]): void {
    for (const selection of selections) {
      if (errors.length >= MAX_ERRORS) return
      if (isIncluded(selection, variables)) visit(type, selection, path)
    }
  }
  function visit(type: GraphQLNamedType, selection: SelectionNode, path: readonly string[]): void {
    if (selection.kind === Kind.FIELD) visitField(type, selection, path)
    else if (selection.kind === Kind.FRAGMENT_SPREAD) visitFragment(selection.name.value, path)
    else {
      const on = selection.typeCondition && schema.getType(selection.typeCondition.name.value)
      visitAll(on ?? type, selection.selectionSet, path)
    }
  }
  /** Visits each fragment once: its arguments are the same at each spread. */
  function visitFragment(name: string, path: readonly string[]): void {
    const fragment = fragments.get(name)
    const on = fragment && schema.getType(fragment.typeCondition.name.value)
    if (!on || visited.has(name)) return
    visited.add(name)
    visitAll(on, fragment.selectionSet, path)
  }
  function visitField(type: GraphQLNamedType, node: FieldNode, path: readonly string[]): void {
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[node.name.value] : undefined
    if (!field) return
    const at = [...path, (node.alias ?? node.name).value]
    const error = type === root ? undefined : checkArguments(field, node, variables, at)
    if (error) errors.push(error)
    if (node.selectionSet) visitAll(getNamedType(field.type), node.selectionSet, at)
  }

  visitAll(root, selectionSet, [])
  return errors
}

function checkArguments(
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
  variables: Variables,
  path: readonly string[],
): GraphQLError | undefined {
  if (field.args.length === 0) return undefined
  const values = valuesOf(field, node, variables)
  if (values instanceof GraphQLError) return toClientError(values)
  const zodIssues = field.args.flatMap(({ name, extensions: { validator } }) => {
    if (!Object.hasOwn(values, name) || !(validator instanceof ZodType)) return []
    const { error } = validator.safeParse(values[name])
    return error ? error.issues.map(issue => ({ ...issue, path: [name, ...issue.path] })) : []
  })
  const issues = [...toInvalidInputError(zodIssues).issues, ...pageIssues(values)]
  if (issues.length === 0) return undefined
  const originalError = new InvalidInputError(issues)
  return toClientError(new GraphQLError(originalError.message, { nodes: node, path, originalError }))
}

/** A nullable variable with a default may be null at a non-null argument, which makes getArgumentValues throw. */
function valuesOf(field: GraphQLField<unknown, unknown>, node: FieldNode, variables: Variables) {
  try {
    return getArgumentValues(field, node, variables)
  } catch (error) {
    if (error instanceof GraphQLError) return error
    throw error
  }
}
