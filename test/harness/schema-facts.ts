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

/** What a schema promises, a line each, so that two schemas compare like two sets. */
export function promisesOf(schema: GraphQLSchema): string[] {
  return ownTypes(schema).flatMap(type => [kindOf(type), ...partsOf(type)])
}

/** What a caller has to give, a line each. */
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

/** What carries no description: types, fields, arguments and input fields by their names. Enum values may speak alone. */
export function undescribed(schema: GraphQLSchema): string[] {
  return ownTypes(schema).flatMap(type => {
    const outputs = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : []
    const described = [
      [type.name, type.description],
      ...outputs.map(field => [`${type.name}.${field.name}`, field.description]),
      ...inputsOf(type).map(([name, input]) => [name, input.description]),
    ]
    return described.flatMap(([name, description]) => (description ? [] : [String(name)]))
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

/** The same rule holds for an argument and for an input field. */
function isRequired(input: GraphQLArgument | GraphQLInputField): boolean {
  return isRequiredArgument(input as GraphQLArgument)
}

function defaultOf({ defaultValue, type }: GraphQLArgument | GraphQLInputField): string {
  const value = defaultValue === undefined ? undefined : astFromValue(defaultValue, type)
  return value ? ` = ${print(value)}` : ''
}
