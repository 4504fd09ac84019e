import SchemaBuilder, { type PothosOutputFieldConfig, type PothosTypeConfig, type SchemaTypes } from '@pothos/core'
import { PothosZodPlugin } from '@pothos/plugin-zod'
import type { GraphQLFieldResolver } from 'graphql'
import { type ZodType, z } from 'zod'
import { type InputSettings, toInvalidInputError } from '../../src/input/rules.ts'

type Resolver = GraphQLFieldResolver<unknown, object, object>

/**
 * Creates the rules of input types from the settings of this schema build. Pothos' zod plugin collects the rules of each
 * field's arguments; here they are checked without a promise, because lists have such fields in each row.
 */
class InputRulesPlugin<Types extends SchemaTypes> extends PothosZodPlugin<Types> {
  override onTypeConfig(config: PothosTypeConfig): PothosTypeConfig {
    const { rules } = config.pothosOptions as { rules?: (settings: InputSettings) => ZodType }
    if (!rules) return config
    const validate = { schema: rules(this.options.inputs ?? { urlHosts: 'PUBLIC' }) }
    // Each type kind has its own options type, and the compiler cannot tell which one this object is.
    return { ...config, pothosOptions: { ...config.pothosOptions, validate } } as typeof config
  }

  override wrapResolve(resolver: Resolver, config: PothosOutputFieldConfig<Types>): Resolver {
    return validated(resolver, config)
  }

  override wrapSubscribe(subscribe: Resolver | undefined, config: PothosOutputFieldConfig<Types>) {
    return subscribe && validated(subscribe, config)
  }
}

SchemaBuilder.registerPlugin('inputRules', InputRulesPlugin)

declare global {
  namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      inputRules: InputRulesPlugin<Types>
    }
    interface BuildSchemaOptions<Types extends SchemaTypes> {
      /** By default those of production, which are the strictest. */
      inputs?: InputSettings
    }
    interface InputObjectTypeOptions<Types extends SchemaTypes, Fields> {
      /** All rules of the input, as one zod schema. */
      rules?: (settings: InputSettings) => ZodType
    }
  }
}

/** The resolver for valid arguments; an error with all issues otherwise. */
function validated<Types extends SchemaTypes>(resolver: Resolver, { args }: PothosOutputFieldConfig<Types>): Resolver {
  const validators = Object.entries(args).flatMap(([name, { extensions }]) => {
    const validator: unknown = extensions?.validator
    return validator instanceof z.ZodType ? [[name, validator] as const] : []
  })
  if (validators.length === 0) return resolver
  const rules = z.looseObject(Object.fromEntries(validators))
  const names = validators.map(([name]) => name)
  return (parent, given, context, info) => {
    if (names.every(name => !(name in given))) return resolver(parent, given, context, info)
    const result = rules.safeParse(given)
    if (!result.success) throw toInvalidInputError(result.error.issues)
    return resolver(parent, result.data, context, info)
  }
}
