import {
  astFromValue,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isRequiredArgument,
  isSpecifiedScalarType,
  isUnionType,
  print,
} from 'graphql'

/** The guarantees of a schema to clients, as lines, so that two schemas can be compared as sets. */
export function promisesOf(schema: GraphQLSchema): string[] {
  return ownTypes(schema).flatMap(type => [kindOf(type), ...partsOf(type)])
}

/** The required inputs of a schema, as lines. */
export function demandsOf(schema: GraphQLSchema): string[] {
  return ownTypes(schema).flatMap(type =>
    inputsOf(type)
      .filter(([, input]) => isRequired(input))
      .map(([name]) => name),
  )
}

export function ownTypes(schema: GraphQLSchema): GraphQLNamedType[] {
  return Object.values(schema.getTypeMap()).filter(type => !isIntrospectionType(type) && !isSpecifiedScalarType(type))
}

/** The names of types, fields, arguments, input fields and enum values without a description. */
export function undescribed(schema: GraphQLSchema): string[] {
  return descriptionsOf(schema).flatMap(([name, description]) => (description ? [] : [name]))
}

/** The types, fields, arguments, input fields and enum values with their descriptions. */
export function descriptionsOf(schema: GraphQLSchema): [string, string | null | undefined][] {
  return ownTypes(schema).flatMap((type): [string, string | null | undefined][] => {
    const outputs = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : []
    const values = isEnumType(type) ? type.getValues() : []
    return [
      [type.name, type.description],
      ...[...outputs, ...values].map((part): [string, string | null | undefined] => [
        `${type.name}.${part.name}`,
        part.description,
      ]),
      ...inputsOf(type).map(([name, input]): [string, string | null | undefined] => [name, input.description]),
    ]
  })
}

function kindOf(type: GraphQLNamedType): string {
  return `${type.constructor.name} ${type.name}${isInputObjectType(type) && type.isOneOf ? ' @oneOf' : ''}`
}

function partsOf(type: GraphQLNamedType): string[] {
  const inputs = inputsOf(type).map(([name, input]) => `${name}: ${input.type}${defaultOf(input)}`)
  if (isEnumType(type)) return type.getValues().map(value => `${type.name}.${value.name}`)
  if (isUnionType(type)) return type.getTypes().map(member => `${type.name} may be ${member.name}`)
  if (!isObjectType(type) && !isInterfaceType(type)) return inputs
  return [
    ...type.getInterfaces().map(parent => `${type.name} implements ${parent.name}`),
    ...Object.values(type.getFields()).map(field => `${type.name}.${field.name}: ${field.type}`),
    ...inputs,
  ]
}

/** Arguments as `Type.field(name)`, input fields as `Type.name`. */
function inputsOf(type: GraphQLNamedType): [string, GraphQLArgument | GraphQLInputField][] {
  if (isInputObjectType(type))
    return Object.values(type.getFields()).map(field => [`${type.name}.${field.name}`, field])
  if (!isObjectType(type) && !isInterfaceType(type)) return []
  return Object.values(type.getFields()).flatMap(field =>
    field.args.map((arg): [string, GraphQLArgument] => [`${type.name}.${field.name}(${arg.name})`, arg]),
  )
}

/** True for required arguments and required input fields. */
function isRequired(input: GraphQLArgument | GraphQLInputField): boolean {
  return isRequiredArgument(input as GraphQLArgument)
}

function defaultOf({ defaultValue, type }: GraphQLArgument | GraphQLInputField): string {
  const value = defaultValue === undefined ? undefined : astFromValue(defaultValue, type)
  return value ? ` = ${print(value)}` : ''
}
