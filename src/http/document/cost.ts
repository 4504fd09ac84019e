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
  isLeafType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql'
import type { Context } from '../../context.ts'
import { fragmentsOf, isSplitting } from './query-complexity.ts'

/**
 * The cost of an operation is an upper bound of the work that it can cause beside its request, which costs 10. A provider call
 * costs 30: every field with a `freshness` argument may make one, except the root fields without `by`, which read from the
 * store. So does a mutation. A stored row costs 1/4, the query of a page 2, even of an empty one, and its `totalCount` 2. Each
 * selected field costs 1/50, one with selections 1/10, and one of JSON 5/3, each further alias of it 1. Each part of a response
 * that @defer or @stream splits costs 1/10. The extensions `cost` and `rowCost` of a field of the schema replace the costs of the
 * field and of its rows. The selections below a field are multiplied by its maximum number of rows: `first` or `last` (20 by
 * default), the number of ids, or 100 for a list without arguments. Aliases add up, but a further alias of a linked record is no further row. To begin a subscription costs 30, each of
 * its events 20, and each event that it reads and does not send 3.
 * Introspection calls no provider, but it is expensive here: `__schema` costs 100, `__type` costs 20.
 *
 * What an operation costs without its provider calls is `planWork`: a record that is read from the store costs 1/4, and a
 * mutation 5. What it cost by the rows that it had and the calls that it made is `costOfExecution`.
 */

export const COST_PER_CALL = 30
/** With its call. */
const COST_PER_MUTATION = 30
const COST_PER_STORED_RECORD = 1 / 4
/** Of a mutation that calls no provider: its transaction is on disk before the response. */
const COST_PER_WRITE = 5
const COST_PER_SUBSCRIPTION = 30
/** Beside what it selects. */
const COST_PER_EVENT = 20
/** Of an event that a subscription reads and does not send. */
export const COST_PER_READ_EVENT = 3
const COST_PER_ERROR = 5 / 3
/** Of a session that is linked to a record whose externalId changed. */
const COST_PER_READ_SESSION = 1 / 20
/** Of one that follows it: its row and its event are written. */
const COST_PER_CHANGED_SESSION = 1 / 4

const COST_PER_ROW = 1 / 4
const COST_PER_LEAF = 1 / 50
const COST_PER_OBJECT = 1 / 10
/** Up to some kilobytes, which are parsed and written. */
const COST_PER_JSON_FIELD = 5 / 3
/** A further alias of it is only written. */
const COST_PER_JSON_ALIAS = 1
/** Of a response that is sent in parts. */
const COST_PER_PART = 1 / 10
const COST_PER_PAGE = 2
const COST_PER_COUNT = 2
/** The fields of a page that return its rows. */
const ROW_FIELDS = ['edges', 'nodes']
const INTROSPECTION = new Map([
  ['__schema', 100],
  ['__type', 20],
])
const DEFAULT_ROWS = 20
const MAX_ROWS = 100

/** What a mutation costs, and a field that may read a record at its provider. */
interface CallPrices {
  readonly mutation: number
  readonly read: number
}

const WITH_CALLS: CallPrices = { mutation: COST_PER_MUTATION, read: COST_PER_CALL }
const WITHOUT_CALLS: CallPrices = { mutation: COST_PER_WRITE, read: COST_PER_STORED_RECORD }

type Variables = Readonly<Record<string, unknown>>
/** A number where the cost does not depend on variables. */
type Cost = number | ((variables: Variables) => number)

/** Returns the cost of an operation as a function of its variables. */
export function planCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): (variables: Variables) => number {
  const ofOperation = planWithCalls(schema, document, operationName, WITH_CALLS)
  return isSubscription(document, operationName) ? plus(COST_PER_SUBSCRIPTION, ofOperation) : ofOperation
}

/** Returns the cost of an operation that calls no provider, or of an event of a subscription. */
export function planWork(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): (variables: Variables) => number {
  const ofOperation = planWithCalls(schema, document, operationName, WITHOUT_CALLS)
  return isSubscription(document, operationName) ? plus(COST_PER_EVENT, ofOperation) : ofOperation
}

function isSubscription(document: DocumentNode, operationName: string | null | undefined): boolean {
  return getOperationAST(document, operationName)?.operation === OperationTypeNode.SUBSCRIPTION
}

function plus(cost: number, plan: (variables: Variables) => number): (variables: Variables) => number {
  return variables => cost + plan(variables)
}

/** The cost of an operation without its provider calls, apart from the rows of its lists. */
export interface RowPrices {
  readonly withoutRows: number
  /** What a row of a list, a linked record or a value of JSON costs without the rows below it, by the name node of its field. */
  readonly ofRow: ReadonlyMap<object, number>
}

export function planRowPrices(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): RowPrices {
  const ofRow = new Map<object, number>()
  const plan = planWithCalls(schema, document, operationName, WITHOUT_CALLS, ofRow)
  return { withoutRows: plan({}), ofRow }
}

/** What an operation costs beside its estimate: for the errors of its result, and for the sessions of the records that it links. */
export function costBeyondEstimate(errors: number, linked?: Pick<Context, 'changedSessions' | 'readSessions'>): number {
  const { changedSessions = 0, readSessions = 0 } = linked ?? {}
  const ofSessions = readSessions * COST_PER_READ_SESSION + changedSessions * COST_PER_CHANGED_SESSION
  return Math.floor(errors * COST_PER_ERROR + ofSessions)
}

/** What an operation cost that had so many rows of each field and made so many provider calls. */
export function costOfExecution(
  { withoutRows, ofRow }: RowPrices,
  rows: Context['rowCounts'] | undefined,
  calls: number,
): number {
  const ofRows = [...(rows ?? [])].map(([field, { rows }]) => rows * (ofRow.get(field) ?? 0))
  return sum([withoutRows, ...ofRows, COST_PER_CALL * calls])
}

/** With `ofRow`, rows are not part of the cost: their prices are collected there. */
function planWithCalls(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  prices: CallPrices,
  ofRow?: Map<object, number>,
): (variables: Variables) => number {
  const operation = getOperationAST(document, operationName)
  const root = operation && schema.getRootType(operation.operation)
  if (!operation || !root) return () => 0
  const fragments = fragmentsOf(document)
  const known = new Map<string, Cost>()

  function ofSelections(type: GraphQLNamedType, { selections }: SelectionSetNode, part: Part): Cost {
    const names = new Set<string>()
    const costs = withoutRepeatedSpreads(selections).map(selection => {
      if (selection.kind === Kind.FIELD) {
        const isAlias = names.has(selection.name.value)
        names.add(selection.name.value)
        return isIn(part, selection) ? ofField(type, selection, isAlias) : 0
      }
      // A page is one part, whatever its rows are.
      const ofPart = part === 'ROWS' ? 0 : partCost(selection)
      if (selection.kind === Kind.FRAGMENT_SPREAD) return combine([ofPart, ofFragment(selection.name.value, part)], sum)
      const on = selection.typeCondition && schema.getType(selection.typeCondition.name.value)
      return combine([ofPart, ofSelections(on ?? type, selection.selectionSet, part)], sum)
    })
    return combine(costs, sum)
  }
  function ofField(type: GraphQLNamedType, node: FieldNode, isAlias: boolean): Cost {
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[node.name.value] : undefined
    if (!field) return INTROSPECTION.get(node.name.value) ?? COST_PER_LEAF
    if (isPage(type) && node.name.value === 'totalCount') return COST_PER_COUNT
    const hasRows = returnsRows(schema, type, field)
    const own = (isAlias ? aliasCost(field) : ownCost(field)) + (hasRows ? 0 : partCost(node))
    const below = (part: Part) =>
      node.selectionSet ? ofSelections(getNamedType(field.type), node.selectionSet, part) : 0
    const call = callCost(schema, type, field, prices)
    if (ofRow && isJson(field)) return collect(node, own, 0)
    if (!hasRows) {
      const cost = combine([call, own, below('ALL')], sum)
      return ofRow && isPage(type) && ROW_FIELDS.includes(field.name) ? collect(node, COST_PER_ROW, cost) : cost
    }
    const isOfPage = isPage(getNamedType(field.type))
    const once = isOfPage ? combine([COST_PER_PAGE, below('ONCE')], sum) : 0
    if (ofRow && isOfPage) return combine([call + own, once, below('ROWS')], sum)
    if (ofRow && isListType(getNullableType(field.type))) {
      return combine([call + own, collect(node, rowCost(field) + partCost(node), below('ALL'))], sum)
    }
    // The linked record of an earlier selection is not read again.
    const isLinked = hasId(type) && isRecord(getNamedType(field.type)) && !isListType(getNullableType(field.type))
    const ownOfRow = isAlias && isLinked ? 0 : rowCost(field) + partCost(node)
    if (ofRow && isLink(field)) return collect(node, call + own + ownOfRow, below('ALL'))
    return combine(
      [call + own, once, rowsOf(field, node), below(isOfPage ? 'ROWS' : 'ALL')],
      ([calls = 0, page = 0, rows = 0, cost = 0]) => calls + page + rows * (ownOfRow + cost),
    )
  }
  function collect(node: FieldNode, ownCostOfRow: number, cost: Cost): Cost {
    ofRow?.set(node.name, ownCostOfRow + costWith(cost, {}))
    return 0
  }
  function ofFragment(name: string, part: Part): Cost {
    const fragment = fragments.get(name)
    const type = fragment && schema.getType(fragment.typeCondition.name.value)
    if (!type) return 0
    const cost = known.get(`${name} ${part}`) ?? ofSelections(type, fragment.selectionSet, part)
    known.set(`${name} ${part}`, cost)
    return cost
  }
  function rowsOf(field: GraphQLField<unknown, unknown>, node: FieldNode): Cost {
    const count = (variables: Variables) => countRows(field, node, operation as OperationDefinitionNode, variables)
    return hasVariable(node) ? count : count({})
  }

  const cost = ofSelections(root, operation.selectionSet, 'ALL')
  return variables => costWith(cost, variables)
}

/** Of the selections of a page: those that are resolved for each row, and those that are resolved once. */
type Part = 'ALL' | 'ONCE' | 'ROWS'

function isIn(part: Part, { name }: FieldNode): boolean {
  return part === 'ALL' || ROW_FIELDS.includes(name.value) === (part === 'ROWS')
}

/** Of what is sent in a part of its own: with @defer, or each row of a list with @stream. */
function partCost({ directives = [] }: SelectionNode): number {
  return directives.some(isSplitting) ? COST_PER_PART : 0
}

/** The executor merges spreads of one fragment in one selection set, unless one is deferred. */
function withoutRepeatedSpreads(selections: readonly SelectionNode[]): readonly SelectionNode[] {
  const names = new Set<string>()
  return selections.filter(selection => {
    if (selection.kind !== Kind.FRAGMENT_SPREAD || partCost(selection) > 0) return true
    const isNew = !names.has(selection.name.value)
    names.add(selection.name.value)
    return isNew
  })
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

/** The cost of a field itself, without the selections below it. */
function ownCost({ type, extensions }: GraphQLField<unknown, unknown>): number {
  if (typeof extensions.cost === 'number') return extensions.cost
  if (isJson({ type })) return COST_PER_JSON_FIELD
  const named = getNamedType(type)
  return isLeafType(named) ? COST_PER_LEAF : COST_PER_OBJECT
}

/** The cost of a field that an earlier selection has read already. */
function aliasCost({ type }: GraphQLField<unknown, unknown>): number {
  if (isJson({ type })) return COST_PER_JSON_ALIAS
  const named = getNamedType(type)
  return isLeafType(named) ? COST_PER_LEAF : COST_PER_OBJECT
}

function isJson({ type }: Pick<GraphQLField<unknown, unknown>, 'type'>): boolean {
  return getNamedType(type).name === 'JSON'
}

function rowCost({ extensions }: GraphQLField<unknown, unknown>): number {
  return typeof extensions.rowCost === 'number' ? extensions.rowCost : COST_PER_ROW
}

function callCost(
  schema: GraphQLSchema,
  parent: GraphQLNamedType,
  { args }: GraphQLField<unknown, unknown>,
  prices: CallPrices,
): number {
  if (parent === schema.getMutationType()) return prices.mutation
  const isRead =
    takesFreshness({ args }) && (parent !== schema.getQueryType() || args.some(({ name }) => name === 'by'))
  return isRead ? prices.read : 0
}

/** True for a field whose records are counted. */
function isLink({ args, extensions }: GraphQLField<unknown, unknown>): boolean {
  return takesFreshness({ args }) || extensions.link !== undefined
}

function takesFreshness({ args }: Pick<GraphQLField<unknown, unknown>, 'args'>): boolean {
  return args.some(({ name }) => name === 'freshness')
}

/** True for a field of a root type or a record that returns records or a page. A page's own fields return no new rows. */
function returnsRows(
  schema: GraphQLSchema,
  parent: GraphQLNamedType,
  { type }: GraphQLField<unknown, unknown>,
): boolean {
  const isTop = parent === schema.getQueryType() || parent === schema.getSubscriptionType()
  const named = getNamedType(type)
  return (isTop || hasId(parent)) && (isPage(named) || isRecord(named))
}

/** True for records, their events, and persons. */
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

/** The maximum number of rows that a field returns. */
function countRows(
  field: GraphQLField<unknown, unknown>,
  { arguments: given = [] }: FieldNode,
  operation: OperationDefinitionNode,
  variables: Variables,
): number {
  const values = given.map(({ name, value }) => ({ name: name.value, value: toValue(value, operation, variables) }))
  if (isPage(getNamedType(field.type))) {
    const requested = values.find(({ name, value }) => (name === 'first' || name === 'last') && value != null)
    if (!requested) return DEFAULT_ROWS
    return typeof requested.value === 'number' ? Math.min(Math.max(requested.value, 0), MAX_ROWS) : MAX_ROWS
  }
  if (!isListType(getNullableType(field.type))) return 1
  // A list without arguments may have the maximum length.
  if (field.args.length === 0) return MAX_ROWS
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
