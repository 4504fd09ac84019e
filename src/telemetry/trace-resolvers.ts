import { type GraphQLField, type GraphQLSchema, getNamedType, isCompositeType, isObjectType } from 'graphql'
import type { CallLog } from '../domain/call-log.ts'
import type { Tracer } from './tracer.ts'

/** Wraps the resolvers that may call a service: those of composite types. Scalars are read from their parent. */
export function traceResolvers(schema: GraphQLSchema, traces: Tracer): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) traceField(`${type.name}.${field.name}`, field, traces)
  }
}

function traceField(name: string, field: GraphQLField<unknown, { readonly callLog?: CallLog }>, traces: Tracer): void {
  const { resolve } = field
  if (!resolve || !isCompositeType(getNamedType(field.type))) return
  field.resolve = (source, args, context, info) =>
    traces.resolve(context.callLog, name, () => resolve(source, args, context, info))
}
