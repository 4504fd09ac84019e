import {
  type DocumentNode,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLNamedType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  getNamedType,
  getOperationAST,
  getVariableValues,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type TypeNode,
} from 'graphql'
import { planCost, planRowPrices, planWork, type RowPrices } from './cost.ts'
import { fragmentsOf, isIncremental } from './query-complexity.ts'

type Variables = Readonly<Record<string, unknown>>

/** Facts about an operation that follow from its document and the schema alone. */
export interface OperationAnalysis {
  readonly kind: 'query' | 'mutation' | 'subscription'
  /** True if the response can be sent in parts (@defer, @stream). */
  readonly incremental: boolean
  /** True if the operation selects a field whose schema definition has the extension `encrypted`. */
  readonly selectsEncryptedField: (variables: Variables) => boolean
  /** True if the operation selects a field whose schema definition has the extension `confidential` or `encrypted`. */
  readonly selectsConfidentialField: (variables: Variables) => boolean
  /** True if the operation selects a field whose schema definition has the extension `liveCursor`. */
  readonly selectsLiveCursor: (variables: Variables) => boolean
  /** An upper bound of the work that it can cause. */
  readonly costOf: (variables: Variables) => number
  /** The same without its provider calls. */
  readonly workOf: (variables: Variables) => number
  readonly rowPrices: RowPrices
}

/** Undefined if the document has no operation of that name, or several and there is no name. */
export type AnalyzeOperation = (
  document: DocumentNode,
  operationName: string | null | undefined,
) => OperationAnalysis | undefined

/** Analyzes and prices each operation once: parsed documents are cached by their text, and the analysis lives as long as its document. */
export function createOperationAnalyzer(schema: GraphQLSchema): AnalyzeOperation {
  const analyses = new WeakMap<OperationDefinitionNode, OperationAnalysis>()
  return (document, operationName) => {
    const operation = getOperationAST(document, operationName)
    if (!operation) return undefined
    const known = analyses.get(operation)
    if (known) return known
    const analysis = {
      kind: operation.operation,
      incremental: isIncremental(document, operation),
      selectsEncryptedField: selectionTest(schema, document, operation, hasExtension('encrypted')),
      selectsConfidentialField: selectionTest(schema, document, operation, isConfidential),
      selectsLiveCursor: selectionTest(schema, document, operation, hasExtension('liveCursor')),
      costOf: planCost(schema, document, operationName),
      workOf: planWork(schema, document, operationName),
      rowPrices: planRowPrices(schema, document, operationName),
    }
    analyses.set(operation, analysis)
    return analysis
  }
}

type Field = GraphQLField<unknown, unknown>

function hasExtension(name: 'encrypted' | 'liveCursor') {
  return ({ extensions }: Field): boolean => extensions[name] === true
}

function isConfidential({ extensions }: Field): boolean {
  return extensions.confidential === true || extensions.encrypted === true
}

/** Depends on the variables only if a @skip or @include does. */
function selectionTest(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  isWanted: (field: Field) => boolean,
): (variables: Variables) => boolean {
  const selects = (includes: Includes) => selectsField({ schema, document, isWanted, includes }, operation)
  if (!selects(() => true)) return () => false
  if (selects(({ directives = [] }) => directives.length === 0)) return () => true
  // Only these may be part of a condition.
  const conditions = operation.variableDefinitions?.filter(({ type }) => isBoolean(type)) ?? []
  return variables => {
    const { coerced } = getVariableValues(schema, conditions, variables, { maxErrors: 1 })
    // The operation is rejected if its variables are invalid, before any field is resolved.
    return coerced !== undefined && selects(selection => isIncluded(selection, coerced))
  }
}

function isBoolean(type: TypeNode): boolean {
  if (type.kind === Kind.NON_NULL_TYPE) return isBoolean(type.type)
  return type.kind === Kind.NAMED_TYPE && type.name.value === 'Boolean'
}

type Includes = (selection: SelectionNode) => boolean

interface FieldSearch {
  readonly schema: GraphQLSchema
  readonly document: DocumentNode
  readonly isWanted: (field: Field) => boolean
  readonly includes: Includes
}

function selectsField(
  { schema, document, isWanted, includes }: FieldSearch,
  { operation, selectionSet }: OperationDefinitionNode,
): boolean {
  const fragments = fragmentsOf(document)
  const visited = new Set<string>()

  function visitAll(type: GraphQLNamedType | undefined | null, { selections }: SelectionSetNode): boolean {
    return selections.some(selection => includes(selection) && visit(type, selection))
  }
  function visit(type: GraphQLNamedType | undefined | null, selection: SelectionNode): boolean {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return visitFragment(selection.name.value)
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      const condition = selection.typeCondition && schema.getType(selection.typeCondition.name.value)
      return visitAll(condition ?? type, selection.selectionSet)
    }
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[selection.name.value] : undefined
    if (!field) return false
    if (isWanted(field)) return true
    return selection.selectionSet !== undefined && visitAll(getNamedType(field.type), selection.selectionSet)
  }
  function visitFragment(name: string): boolean {
    const fragment = fragments.get(name)
    if (!fragment || visited.has(name)) return false
    visited.add(name)
    return visitAll(schema.getType(fragment.typeCondition.name.value), fragment.selectionSet)
  }

  return visitAll(schema.getRootType(operation), selectionSet)
}

/**
 * Whether @skip and @include let a selection be executed. `variables`: coerced. True if the value of a directive is invalid,
 * as null for a nullable variable is: graphql-js reports that when it executes the operation.
 */
export function isIncluded(selection: SelectionNode, variables: Variables): boolean {
  try {
    if (getDirectiveValues(GraphQLSkipDirective, selection, variables)?.if === true) return false
    return getDirectiveValues(GraphQLIncludeDirective, selection, variables)?.if !== false
  } catch {
    return true
  }
}
