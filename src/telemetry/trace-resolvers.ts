import { type GraphQLField, type GraphQLSchema, getNamedType, isCompositeType, isObjectType } from 'graphql'
import type { Trail } from '../domain/trail.ts'
import type { Traces } from './traces.ts'

/** Puts spans around the resolvers that may call a service: those of objects. A scalar is read from what is there. */
export function traceResolvers(schema: GraphQLSchema, traces: Traces): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) traceField(`${type.name}.${field.name}`, field, traces)
  }
}

function traceField(name: string, field: GraphQLField<unknown, { readonly trail?: Trail }>, traces: Traces): void {
  const { resolve } = field
  if (!resolve || !isCompositeType(getNamedType(field.type))) return
  field.resolve = (source, args, context, info) =>
    traces.resolve(context.trail, name, () => resolve(source, args, context, info))
}
