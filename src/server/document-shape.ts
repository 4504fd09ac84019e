import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  visit,
} from 'graphql'

/** How much a document asks for, told from its text alone. What fragments hold counts wherever they are spread. */
export interface Shape {
  readonly depth: number
  readonly aliases: number
  /** How many fields stand side by side at the top. */
  readonly rootFields: number
}

const NOTHING: Shape = { depth: 0, aliases: 0, rootFields: 0 }

/** The most of all operations in the document. Each fragment is looked at once, so that it takes linear time. */
export function shapeOf(document: DocumentNode): Shape {
  const fragments = fragmentsOf(document)
  const known = new Map<string, Shape | 'BEGUN'>()

  function ofSelections({ selections }: SelectionSetNode): Shape {
    return selections.map(ofSelection).reduce(together, NOTHING)
  }
  function ofSelection(selection: SelectionSetNode['selections'][number]): Shape {
    if (selection.kind === Kind.FIELD) return ofField(selection)
    if (selection.kind === Kind.INLINE_FRAGMENT) return ofSelections(selection.selectionSet)
    return ofFragment(selection.name.value)
  }
  function ofField({ alias, name, selectionSet }: FieldNode): Shape {
    const below = selectionSet ? ofSelections(selectionSet) : NOTHING
    // How deep an introspection may be is a rule of GraphQL's own.
    const depth = 1 + (name.value.startsWith('__') ? 0 : below.depth)
    return { depth, aliases: below.aliases + (alias ? 1 : 0), rootFields: 1 }
  }
  function ofFragment(name: string): Shape {
    const before = known.get(name)
    if (before === 'BEGUN') throw cyclic()
    if (before) return before
    known.set(name, 'BEGUN')
    const fragment = fragments.get(name)
    const shape = fragment ? ofSelections(fragment.selectionSet) : NOTHING
    known.set(name, shape)
    return shape
  }

  // A fragment that is spread nowhere may hold a cycle, too, on which GraphQL's own validation overflows its stack.
  for (const name of fragments.keys()) ofFragment(name)
  const operations = document.definitions.filter(definition => definition.kind === Kind.OPERATION_DEFINITION)
  return operations.map(({ selectionSet }) => ofSelections(selectionSet)).reduce(most, NOTHING)
}

const inParts = new WeakMap<OperationDefinitionNode, boolean>()

/** True where an operation's answer may be sent in parts, the first of them before the last is known. */
export function comesInParts(document: DocumentNode, operation: OperationDefinitionNode): boolean {
  const known = inParts.get(operation) ?? [operation, ...fragmentsOf(document).values()].some(isSplit)
  inParts.set(operation, known)
  return known
}

function isSplit(node: OperationDefinitionNode | FragmentDefinitionNode): boolean {
  let found = false
  visit(node, {
    Directive: ({ name }) => {
      found ||= name.value === 'defer' || name.value === 'stream'
    },
  })
  return found
}

export function fragmentsOf(document: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> {
  const fragments = document.definitions.filter(definition => definition.kind === Kind.FRAGMENT_DEFINITION)
  return new Map(fragments.map(fragment => [fragment.name.value, fragment]))
}

function together(one: Shape, other: Shape): Shape {
  return {
    depth: Math.max(one.depth, other.depth),
    aliases: one.aliases + other.aliases,
    rootFields: one.rootFields + other.rootFields,
  }
}

function most(one: Shape, other: Shape): Shape {
  return {
    depth: Math.max(one.depth, other.depth),
    aliases: Math.max(one.aliases, other.aliases),
    rootFields: Math.max(one.rootFields, other.rootFields),
  }
}

function cyclic(): GraphQLError {
  return new GraphQLError('Expected fragments that do not spread themselves.', {
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED', http: { status: 400, spec: true } },
  })
}
