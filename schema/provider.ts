import type { ProviderInfo } from '../src/services/accounts.ts'
import { builder } from './builder.ts'
import { CapabilityEnum, ProviderEnum } from './enums.ts'

const ProviderInfoRef = builder.objectRef<ProviderInfo>('ProviderInfo').implement({
  description: 'A provider as it is set up here.',
  fields: t => ({
    provider: t.field({ type: ProviderEnum, nullable: false, description: 'Its name.', resolve: it => it.provider }),
    configured: t.exposeBoolean('configured', {
      nullable: false,
      description: 'False where there are no credentials; every call then answers PROVIDER_NOT_CONFIGURED.',
    }),
    sandbox: t.exposeBoolean('sandbox', {
      nullable: false,
      description: 'True where the built-in sandbox answers in its place.',
    }),
    capabilities: t.field({
      type: [CapabilityEnum],
      nullable: false,
      description: 'What it can do.',
      resolve: it => it.capabilities,
    }),
  }),
})

builder.queryField('providers', t =>
  t.field({
    type: [ProviderInfoRef],
    nullable: { list: true, items: false },
    description: 'All providers, alphabetical.',
    resolve: (_root, _args, context) => context.services.accounts.list(context.tenantId),
  }),
)
