import SchemaBuilder, { BasePlugin, type PothosTypeConfig, type SchemaTypes } from '@pothos/core'
import type { ZodType } from 'zod'
import type { InputSettings } from '../../src/input/rules.ts'

/** Creates the rules of input types from the settings of this schema build. Pothos' zod plugin checks them. */
class InputRulesPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onTypeConfig(config: PothosTypeConfig): PothosTypeConfig {
    const { rules } = config.pothosOptions as { rules?: (settings: InputSettings) => ZodType }
    if (!rules) return config
    const validate = { schema: rules(this.options.inputs ?? { urlHosts: 'PUBLIC' }) }
    // Each type kind has its own options type, and the compiler cannot tell which one this object is.
    return { ...config, pothosOptions: { ...config.pothosOptions, validate } } as typeof config
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
