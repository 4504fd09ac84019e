import type { ProviderInfo, ProviderState } from '../../src/services/accounts/accounts.ts'
import { builder } from '../builder.ts'
import { CapabilityEnum, described, ProviderEnum, SHOW_AS_IS } from './enums.ts'

const ProviderStateEnum = builder.enumType('ProviderState', {
  description: `Whether calls to a provider are sent and succeed. ${SHOW_AS_IS}`,
  values: described<ProviderState>({
    DEGRADED:
      'Some kinds of calls are rejected here because too many failed, the provider is recovering or refuses the credentials, or at least 3 and at least half of the latest 20 calls of one kind in the last 15 minutes failed.',
    DOWN: 'All kinds of calls are rejected here because too many failed. They are tried again after a pause.',
    UP: 'Calls are sent, and most succeed.',
  }),
})

type ProviderHealth = NonNullable<ProviderInfo['health']> & Pick<ProviderInfo, 'provider'>

const ProviderHealthRef = builder.objectRef<ProviderHealth>('ProviderHealth').implement({
  description: 'The calls to a provider in the last minute, as seen by the instance that responds.',
  fields: t => ({
    state: t.expose('state', {
      type: ProviderStateEnum,
      nullable: false,
      description: 'Whether calls are sent and succeed.',
    }),
    errorRate: t.exposeFloat('errorRate', {
      nullable: false,
      description: 'The ratio of failed calls, 0 to 1.',
    }),
    p50Ms: t.exposeFloat('p50Ms', {
      description: 'Median duration of the calls in milliseconds; null without calls.',
    }),
    p95Ms: t.exposeFloat('p95Ms', {
      description: '95th percentile of the duration of the calls in milliseconds; null without calls.',
    }),
    lastWebhookAt: t.field({
      type: 'DateTime',
      description: 'When its last webhook was received by any instance; null if there was none.',
      resolve: ({ provider }, _args, { loaders }) => loaders.lastWebhookAt().load(provider),
    }),
  }),
})

const ProviderInfoRef = builder.objectRef<ProviderInfo>('ProviderInfo').implement({
  description: 'A provider as it is configured here.',
  fields: t => ({
    provider: t.expose('provider', { type: ProviderEnum, nullable: false, description: 'The provider.' }),
    name: t.exposeString('name', { nullable: false, description: 'Its name, for display.' }),
    configured: t.exposeBoolean('configured', {
      nullable: false,
      description: 'False if there are no credentials; every call then fails with PROVIDER_NOT_CONFIGURED.',
    }),
    sandbox: t.exposeBoolean('sandbox', {
      nullable: false,
      description: 'True if the built-in sandbox is used in its place.',
    }),
    capabilities: t.expose('capabilities', {
      type: [CapabilityEnum],
      nullable: false,
      description: 'The supported features.',
    }),
    health: t.field({
      type: ProviderHealthRef,
      description: 'The health of its calls. Null if it is not configured.',
      resolve: it => it.health && { ...it.health, provider: it.provider },
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
