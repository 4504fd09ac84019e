import type { CodegenConfig } from '@graphql-codegen/cli'

const config: CodegenConfig = {
  schema: '../../schema/schema.graphql',
  documents: 'src/*.ts',
  importExtension: '.ts',
  generates: {
    'src/graphql/': {
      preset: 'client',
      config: {
        enumsAsTypes: true,
        futureProofEnums: true,
        scalars: { DateTime: 'string', JSON: 'unknown', URL: 'string' },
        useTypeImports: true,
      },
      presetConfig: { fragmentMasking: false },
    },
  },
}

export default config
