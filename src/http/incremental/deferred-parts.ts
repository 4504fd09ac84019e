import {
  type DirectiveNode,
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getDirectiveValues,
  getNullableType,
  isAbstractType,
  isCompositeType,
  isListType,
  isObjectType,
  Kind,
  type SelectionNode,
} from 'graphql'
import type { LabeledOperation } from './labeled-operation.ts'

export type ResponsePath = readonly (string | number)[]

/** A part of a response that is sent later: a fragment with @defer at an object, or the rest of a list with @stream. */
export interface DeferredPart {
  readonly path: ResponsePath
  /** The label that `labelOperation` gave it. */
  readonly label: string
  readonly selections: readonly SelectionNode[]
  /** The type of the object, or of the items. */
  readonly type: GraphQLOutputType
}

/** The parts that follow after `data`, which was selected by `selections` at `path`. */
export function findDeferredParts(
  schema: GraphQLSchema,
  { fragments, variables }: LabeledOperation,
  { selections, type, path }: Omit<DeferredPart, 'label'>,
  data: unknown,
): readonly DeferredPart[] {
  const found: DeferredPart[] = []
  visitValue(type, selections, data, path)
  return found

  function visitValue(
    type: GraphQLOutputType,
    below: readonly SelectionNode[],
    value: unknown,
    at: ResponsePath,
  ): void {
    const nullable = getNullableType(type)
    if (Array.isArray(value) && isListType(nullable)) {
      for (const [index, item] of value.entries()) visitValue(nullable.ofType, below, item, [...at, index])
    } else if (isObject(value) && isCompositeType(nullable)) visitObject(nullable, below, value, at)
  }

  function visitObject(
    type: GraphQLCompositeType,
    below: readonly SelectionNode[],
    value: Readonly<Record<string, unknown>>,
    at: ResponsePath,
  ): void {
    const concrete = isObjectType(type) ? type : typeOf(below, value)
    const fields = new Map<string, FieldNode[]>()
    collect(below, concrete ?? type, at, fields)
    if (!concrete) return
    for (const [key, nodes] of fields) {
      const field = concrete.getFields()[nodes[0]?.name.value ?? '']
      if (!field) continue
      const inner = nodes.flatMap(({ selectionSet }) => selectionSet?.selections ?? [])
      const stream = nodes.map(node => activeLabel(node, 'stream')).find(label => label !== undefined)
      if (stream !== undefined && Array.isArray(value[key])) {
        found.push({ path: [...at, key], label: stream, selections: inner, type: itemType(field.type) })
      }
      visitValue(field.type, inner, value[key], [...at, key])
    }
  }

  /** Groups the fields by key, and finds the fragments that are deferred. */
  function collect(
    below: readonly SelectionNode[],
    type: GraphQLCompositeType,
    at: ResponsePath,
    fields: Map<string, FieldNode[]>,
  ): void {
    for (const selection of below) {
      if (!isIncluded(selection)) continue
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value
        const same = fields.get(key)
        if (same) same.push(selection)
        else fields.set(key, [selection])
        continue
      }
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value)
      if (!fragment || !applies(fragment.typeCondition?.name.value, type)) continue
      const { selections } = fragment.selectionSet
      const label = activeLabel(selection, 'defer')
      if (label === undefined) collect(selections, type, at, fields)
      else found.push({ path: at, label, selections, type })
    }
  }

  /** The type of an object of an abstract type, by the key under which the operation selects `__typename`. */
  function typeOf(
    below: readonly SelectionNode[],
    value: Readonly<Record<string, unknown>>,
  ): GraphQLObjectType | undefined {
    for (const selection of below) {
      if (selection.kind !== Kind.FIELD || selection.name.value !== '__typename') continue
      const named = schema.getType(String(value[selection.alias?.value ?? selection.name.value]))
      if (isObjectType(named)) return named
    }
    return undefined
  }

  function applies(condition: string | undefined, type: GraphQLCompositeType): boolean {
    if (condition === undefined || condition === type.name) return true
    const conditional = schema.getType(condition)
    return isAbstractType(conditional) && !isUnion(type) && schema.isSubType(conditional, type)
  }

  function isIncluded(node: SelectionNode): boolean {
    const skip = schema.getDirective('skip')
    const include = schema.getDirective('include')
    if (skip && getDirectiveValues(skip, node, variables)?.if === true) return false
    return !include || getDirectiveValues(include, node, variables)?.if !== false
  }

  /** The label of @defer or @stream, unless it is switched off. */
  function activeLabel(node: SelectionNode, name: 'defer' | 'stream'): string | undefined {
    const directive = node.directives?.find(each => each.name.value === name)
    if (!directive || isSwitchedOff(directive)) return undefined
    const label = directive.arguments?.find(argument => argument.name.value === 'label')?.value
    return label?.kind === Kind.STRING ? label.value : undefined
  }

  function isSwitchedOff({ arguments: given = [] }: DirectiveNode): boolean {
    const condition = given.find(({ name }) => name.value === 'if')?.value
    if (condition?.kind === Kind.VARIABLE) return variables[condition.name.value] === false
    return condition?.kind === Kind.BOOLEAN && !condition.value
  }

  function isUnion(type: GraphQLCompositeType): type is Exclude<GraphQLCompositeType, { getFields: unknown }> {
    return !('getFields' in type)
  }
}

/** The object type of an operation or a fragment. */
export function rootTypeOf(schema: GraphQLSchema, { operation }: LabeledOperation): GraphQLObjectType {
  const root = schema.getRootType(operation.operation)
  if (!root) throw new TypeError('Expected an operation of the schema.')
  return root
}

function itemType(type: GraphQLOutputType): GraphQLOutputType {
  const nullable = getNullableType(type)
  return isListType(nullable) ? nullable.ofType : nullable
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
