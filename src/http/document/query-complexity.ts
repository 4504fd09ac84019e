import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql'

/** Size measures of a document, computed without the schema. A fragment counts at each of its spreads. */
export interface Complexity {
  /** The nesting of fields. An inline fragment inside a fragment counts as a level; directly inside a field it does not. */
  readonly depth: number
  /** The nesting of fields, inline fragments and spreads. */
  readonly nesting: number
  readonly aliases: number
  /** The number of fields at the top level. */
  readonly rootFields: number
}

const NOTHING: Complexity = { depth: 0, nesting: 0, aliases: 0, rootFields: 0 }

/** The maximum over the document's operations. Each fragment is measured once, so that it takes linear time. */
export function measureDocument(document: DocumentNode): Complexity {
  const fragments = fragmentsOf(document)
  const known = new Map<string, Complexity | 'BEGUN'>()

  function ofSelections({ selections }: SelectionSetNode, isOfFragment: boolean): Complexity {
    return selections.map(selection => ofSelection(selection, isOfFragment)).reduce(sum, NOTHING)
  }
  function ofSelection(selection: SelectionNode, isInFragment: boolean): Complexity {
    if (selection.kind === Kind.FIELD) return ofField(selection)
    if (selection.kind === Kind.FRAGMENT_SPREAD) return nested(ofFragment(selection.name.value), 0)
    return nested(ofSelections(selection.selectionSet, true), isInFragment ? 1 : 0)
  }
  function ofField({ alias, name, selectionSet }: FieldNode): Complexity {
    const below = selectionSet ? ofSelections(selectionSet, false) : NOTHING
    // graphql's own validation limits the depth of introspection.
    const depth = 1 + (name.value.startsWith('__') ? 0 : below.depth)
    return { depth, nesting: 1 + below.nesting, aliases: below.aliases + (alias ? 1 : 0), rootFields: 1 }
  }
  function ofFragment(name: string): Complexity {
    const before = known.get(name)
    if (before === 'BEGUN') throw cyclic()
    if (before) return before
    known.set(name, 'BEGUN')
    const fragment = fragments.get(name)
    const shape = fragment ? ofSelections(fragment.selectionSet, true) : NOTHING
    known.set(name, shape)
    return shape
  }

  // An unused fragment may also contain a cycle, and graphql's own validation overflows its stack on it.
  for (const name of fragments.keys()) ofFragment(name)
  const operations = document.definitions.filter(definition => definition.kind === Kind.OPERATION_DEFINITION)
  return operations.map(({ selectionSet }) => ofSelections(selectionSet, false)).reduce(max, NOTHING)
}

/** Beside the field's comparison, each selected field is part of the count: it is collected for each path that leads to it. */
const COUNT_PER_FIELD = 1 / 20

/**
 * How many pairs of fields with the same response path validation compares, and the fields at these paths; a number above `max`
 * where there are more. Fields without arguments, directives and selections are compared at once, and count less.
 */
export function countComparedFields(document: DocumentNode, max: number): number {
  const fragments = fragmentsOf(document)
  let count = 0

  function collect({ selections }: SelectionSetNode, fields: Map<string, FieldNode[]>, spread: Set<string>): void {
    for (const selection of selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT) collect(selection.selectionSet, fields, spread)
      else if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const { value } = selection.name
        const fragment = spread.has(value) ? undefined : fragments.get(value)
        spread.add(value)
        if (fragment) collect(fragment.selectionSet, fields, spread)
      } else {
        const { value } = selection.alias ?? selection.name
        const same = fields.get(value)
        if (same) same.push(selection)
        else fields.set(value, [selection])
      }
    }
  }
  function compareAt(sets: readonly SelectionSetNode[]): void {
    const fields = new Map<string, FieldNode[]>()
    const spread = new Set<string>()
    for (const set of sets) collect(set, fields, spread)
    for (const same of fields.values()) {
      const { length } = same.filter(takesLongToCompare)
      count += (length * (length + 1)) / 2 + same.length * COUNT_PER_FIELD
      if (count > max) return
      compareAt(same.flatMap(({ selectionSet }) => selectionSet ?? []))
    }
  }

  for (const definition of document.definitions) {
    if ('selectionSet' in definition) compareAt([definition.selectionSet])
  }
  return count
}

function takesLongToCompare({ selectionSet, arguments: given = [], directives = [] }: FieldNode): boolean {
  return selectionSet !== undefined || given.length > 0 || directives.length > 0
}

/** True where the operation or a fragment uses @defer or @stream. */
export function isIncremental(document: DocumentNode, operation: OperationDefinitionNode): boolean {
  return [operation, ...fragmentsOf(document).values()].some(isSplit)
}

/** False where `if: false` disables each @defer and @stream, so that the response is a single one. */
export function canBeIncremental(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): boolean {
  if (!isIncremental(document, operation)) return false
  let found = false
  visit(document, {
    Directive: directive => {
      found ||= isSplitting(directive) && !isSwitchedOff(directive, operation, variables)
    },
  })
  return found
}

function isSwitchedOff(
  { arguments: given = [] }: DirectiveNode,
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): boolean {
  const condition = given.find(({ name }) => name.value === 'if')?.value
  if (condition?.kind !== Kind.VARIABLE) return condition?.kind === Kind.BOOLEAN && !condition.value
  const name = condition.name.value
  if (Object.hasOwn(variables, name)) return variables[name] === false
  const otherwise = variableDefinitions.find(({ variable }) => variable.name.value === name)?.defaultValue
  return otherwise?.kind === Kind.BOOLEAN && !otherwise.value
}

export function isSplitting({ name }: DirectiveNode): boolean {
  return name.value === 'defer' || name.value === 'stream'
}

function isSplit(node: OperationDefinitionNode | FragmentDefinitionNode): boolean {
  let found = false
  visit(node, {
    Directive: directive => {
      found ||= isSplitting(directive)
    },
  })
  return found
}

export function fragmentsOf(document: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> {
  const fragments = document.definitions.filter(definition => definition.kind === Kind.FRAGMENT_DEFINITION)
  return new Map(fragments.map(fragment => [fragment.name.value, fragment]))
}

/** The complexity of a selection that contains `shape`. */
function nested(shape: Complexity, depth: number): Complexity {
  return { ...shape, depth: shape.depth + depth, nesting: shape.nesting + 1 }
}

function sum(one: Complexity, other: Complexity): Complexity {
  return {
    depth: Math.max(one.depth, other.depth),
    nesting: Math.max(one.nesting, other.nesting),
    aliases: one.aliases + other.aliases,
    rootFields: one.rootFields + other.rootFields,
  }
}

function max(one: Complexity, other: Complexity): Complexity {
  return {
    depth: Math.max(one.depth, other.depth),
    nesting: Math.max(one.nesting, other.nesting),
    aliases: Math.max(one.aliases, other.aliases),
    rootFields: Math.max(one.rootFields, other.rootFields),
  }
}

function cyclic(): GraphQLError {
  return new GraphQLError('Expected fragments that do not spread themselves.', {
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED', http: { status: 400, spec: true } },
  })
}
