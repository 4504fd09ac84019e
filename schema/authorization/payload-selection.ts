import {
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  GraphQLSkipDirective,
  getDirectiveValues,
  getNamedType,
  isAbstractType,
  isNonNullType,
  isObjectType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'

/** A selected field of a mutation's payload. */
export interface PayloadField {
  readonly type: string
  readonly field: string
  /** The alias or the name. */
  readonly key: string
}

/** The selected fields of the mutation's payload that cannot be null, so that denying one would lose the whole payload. */
export function selectedPayloadFields(info: GraphQLResolveInfo): PayloadField[] {
  const returned = getNamedType(info.returnType)
  const types = isAbstractType(returned) ? info.schema.getPossibleTypes(returned) : [returned]
  return types
    .filter(type => isObjectType(type))
    .flatMap(type =>
      info.fieldNodes
        .flatMap(({ selectionSet }) => (selectionSet ? selectedFields(selectionSet, type, info) : []))
        .filter(({ name }) => isNonNullType(type.getFields()[name.value]?.type))
        .map(({ name, alias }) => ({ type: type.name, field: name.value, key: (alias ?? name).value })),
    )
}

function selectedFields(set: SelectionSetNode, type: GraphQLObjectType, info: GraphQLResolveInfo): FieldNode[] {
  return set.selections
    .filter(node => isIncluded(node, info))
    .flatMap(node => {
      if (node.kind === Kind.FIELD) return [node]
      const fragment = node.kind === Kind.FRAGMENT_SPREAD ? info.fragments[node.name.value] : node
      return fragment && appliesTo(fragment.typeCondition, type, info)
        ? selectedFields(fragment.selectionSet, type, info)
        : []
    })
}

function isIncluded(node: SelectionNode, { variableValues }: GraphQLResolveInfo): boolean {
  if (getDirectiveValues(GraphQLSkipDirective, node, variableValues)?.if === true) return false
  return getDirectiveValues(GraphQLIncludeDirective, node, variableValues)?.if !== false
}

function appliesTo(
  condition: FragmentDefinitionNode['typeCondition'] | undefined,
  type: GraphQLObjectType,
  { schema }: GraphQLResolveInfo,
): boolean {
  if (!condition || condition.name.value === type.name) return true
  const conditioned = schema.getType(condition.name.value)
  return isAbstractType(conditioned) && schema.isSubType(conditioned, type)
}
