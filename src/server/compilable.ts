import {
  type DocumentNode,
  type GraphQLSchema,
  getNullableType,
  getOperationAST,
  isListType,
  Kind,
  type SelectionSetNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql'
import { comesInParts, fragmentsOf } from './document-shape.ts'

/** Compiling writes a fragment out at each place where it is spread: so many selections are as many as a document can hold. */
const MOST_SELECTIONS = 2_000

/** Whether an operation may be compiled: whether that is bounded work, and means what it means to the executor. */
export function isCompilable(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): boolean {
  const operation = getOperationAST(document, operationName)
  if (!operation || operation.operation === 'subscription') return false
  if (selectionsOf(document, operation.selectionSet) > MOST_SELECTIONS) return false
  return !comesInParts(document, operation) && !hasPrototype(document) && !hasVariableInScalar(schema, document)
}

/** How many selections there are with every fragment written out. Parsing refused fragments that spread themselves. */
function selectionsOf(document: DocumentNode, root: SelectionSetNode): number {
  const fragments = fragmentsOf(document)
  const known = new Map<string, number>()

  function ofSet({ selections }: SelectionSetNode): number {
    return selections.reduce((count, selection) => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return count + 1 + ofFragment(selection.name.value)
      return count + 1 + (selection.selectionSet ? ofSet(selection.selectionSet) : 0)
    }, 0)
  }
  function ofFragment(name: string): number {
    const fragment = fragments.get(name)
    const count = known.get(name) ?? (fragment ? ofSet(fragment.selectionSet) : 0)
    known.set(name, count)
    return count
  }

  return ofSet(root)
}

/** What is compiled is written with literal objects, in which this name is no name. */
function hasPrototype(document: DocumentNode): boolean {
  let found = false
  visit(document, {
    Name: ({ value }) => {
      found ||= value === '__proto__'
    },
  })
  return found
}

/** A variable inside the literal of a scalar, such as `metadata: { plan: $plan }`: what is compiled loses its value. */
function hasVariableInScalar(schema: GraphQLSchema, document: DocumentNode): boolean {
  const types = new TypeInfo(schema)
  let found = false
  visit(
    document,
    visitWithTypeInfo(types, {
      Variable: () => {
        found ||= types.getInputType() === undefined
      },
      ListValue: ({ values }) => {
        const whole = types.getParentInputType()
        found ||= !(whole && isListType(getNullableType(whole))) && values.some(({ kind }) => kind === Kind.VARIABLE)
      },
    }),
  )
  return found
}
