import {
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getOperationAST,
  isAbstractType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql'
import { fragmentsOf } from './document-shape.ts'

/**
 * The cost of an operation is the most that it can cause. A call to a provider costs one: every mutation may make one, and
 * so may every field that says how fresh its records have to be. A row of ours costs a hundredth. What is selected below
 * a field costs as often as it gives rows: `first` or `last`, 20 if left out, as many as there are ids, or 100 where a list
 * takes no arguments. Reading the schema is work for nobody but us, and much of it: ten, and one for a single type.
 */

const ROW = 1 / 100
const INTROSPECTION = new Map([
  ['__schema', 10],
  ['__type', 1],
])
const DEFAULT_ROWS = 20
const MOST_ROWS = 100

type Variables = Readonly<Record<string, unknown>>
/** What does not depend on variables is a number from the beginning. */
type Cost = number | ((variables: Variables) => number)

/** What an operation costs with each of its variables. */
export function planCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): (variables: Variables) => number {
  const operation = getOperationAST(document, operationName)
  const root = operation && schema.getRootType(operation.operation)
  if (!operation || !root) return () => 0
  const fragments = fragmentsOf(document)
  const known = new Map<string, Cost>()

  function ofSelections(type: GraphQLNamedType, { selections }: SelectionSetNode): Cost {
    const costs = selections.map(selection => {
      if (selection.kind === Kind.FIELD) return ofField(type, selection)
      if (selection.kind === Kind.FRAGMENT_SPREAD) return ofFragment(selection.name.value)
      const on = selection.typeCondition && schema.getType(selection.typeCondition.name.value)
      return ofSelections(on ?? type, selection.selectionSet)
    })
    // The rows of a page are the same ones under `nodes` and under `edges`.
    return combine(costs, isPage(type) ? most : sum)
  }
  function ofField(type: GraphQLNamedType, node: FieldNode): Cost {
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[node.name.value] : undefined
    if (!field) return INTROSPECTION.get(node.name.value) ?? 0
    const below = node.selectionSet ? ofSelections(getNamedType(field.type), node.selectionSet) : 0
    const call = mayCall(schema, type, field) ? 1 : 0
    if (!givesRows(schema, type, field)) return combine([call, below], sum)
    return combine([call, rowsOf(field, node), below], ([calls = 0, rows = 0, cost = 0]) => calls + rows * (ROW + cost))
  }
  function ofFragment(name: string): Cost {
    const fragment = fragments.get(name)
    const type = fragment && schema.getType(fragment.typeCondition.name.value)
    if (!type) return 0
    const cost = known.get(name) ?? ofSelections(type, fragment.selectionSet)
    known.set(name, cost)
    return cost
  }
  function rowsOf(field: GraphQLField<unknown, unknown>, node: FieldNode): Cost {
    const count = (variables: Variables) => countRows(field, node, operation as OperationDefinitionNode, variables)
    return hasVariable(node) ? count : count({})
  }

  const cost = ofSelections(root, operation.selectionSet)
  return variables => costWith(cost, variables)
}

function combine(costs: readonly Cost[], fold: (numbers: readonly number[]) => number): Cost {
  if (costs.every(cost => typeof cost === 'number')) return fold(costs)
  return variables => fold(costs.map(cost => costWith(cost, variables)))
}

function costWith(cost: Cost, variables: Variables): number {
  return typeof cost === 'number' ? cost : cost(variables)
}

function hasVariable({ arguments: given = [] }: FieldNode): boolean {
  return given.some(({ value }) => value.kind === Kind.VARIABLE)
}

function mayCall(schema: GraphQLSchema, parent: GraphQLNamedType, { args }: GraphQLField<unknown, unknown>): boolean {
  return parent === schema.getMutationType() || args.some(({ name }) => name === 'freshness')
}

/** True where a field leads from the top or from a record to a record or a page: a page's own fields give its rows again. */
function givesRows(schema: GraphQLSchema, parent: GraphQLNamedType, { type }: GraphQLField<unknown, unknown>): boolean {
  const isTop = parent === schema.getQueryType() || parent === schema.getSubscriptionType()
  const named = getNamedType(type)
  return (isTop || hasId(parent)) && (isPage(named) || isRecord(named))
}

/** A record, an event about one, or a person. */
function hasId(type: GraphQLNamedType): boolean {
  if (!isObjectType(type) && !isInterfaceType(type)) return false
  const fields = type.getFields()
  return 'id' in fields || 'externalId' in fields
}

function isPage(type: GraphQLNamedType): boolean {
  return isObjectType(type) && 'pageInfo' in type.getFields()
}

function isRecord(type: GraphQLNamedType): boolean {
  if (isAbstractType(type)) return type.name === 'Node' || type.name === '_Entity'
  return isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Node')
}

/** How many rows a field can give: of a page, of a list of ids, or one. */
function countRows(
  field: GraphQLField<unknown, unknown>,
  { arguments: given = [] }: FieldNode,
  operation: OperationDefinitionNode,
  variables: Variables,
): number {
  const values = given.map(({ name, value }) => ({ name: name.value, value: toValue(value, operation, variables) }))
  if (isPage(getNamedType(field.type))) {
    const asked = values.find(({ name, value }) => (name === 'first' || name === 'last') && value != null)
    if (!asked) return DEFAULT_ROWS
    return typeof asked.value === 'number' ? Math.min(Math.max(asked.value, 0), MOST_ROWS) : MOST_ROWS
  }
  if (!isListType(getNullableType(field.type))) return 1
  // A list that is asked for by nothing, as a person's applicants are, may be as long as a list can be.
  if (field.args.length === 0) return MOST_ROWS
  return Math.max(1, ...values.map(({ value }) => (Array.isArray(value) ? value.length : 1)))
}

function toValue(node: ValueNode, operation: OperationDefinitionNode, variables: Variables): unknown {
  if (node.kind === Kind.INT) return Number(node.value)
  if (node.kind === Kind.LIST) return node.values
  if (node.kind !== Kind.VARIABLE) return null
  const name = node.name.value
  if (Object.hasOwn(variables, name)) return variables[name]
  const definition = operation.variableDefinitions?.find(({ variable }) => variable.name.value === name)
  return definition?.defaultValue && toValue(definition.defaultValue, operation, {})
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((one, other) => one + other, 0)
}

function most(numbers: readonly number[]): number {
  return Math.max(0, ...numbers)
}
