import type { Provider } from '../src/domain/provider.ts'
import type { ProviderInfo } from '../src/services/accounts.ts'
import { builder } from './builder.ts'
import { CapabilityEnum, ProviderEnum } from './enums.ts'

const CircuitStateEnum = builder.enumType('CircuitState', {
  description: 'Whether calls to a provider go through.',
  values: {
    CLOSED: { description: 'They do.' },
    OPEN: { description: 'They do not: it failed too often, and is left alone for a moment.' },
    HALF_OPEN: { description: 'One does, to see whether it recovered.' },
  } as const,
})

type ProviderHealth = NonNullable<ProviderInfo['health']> & Pick<ProviderInfo, 'provider'>

const ProviderHealthRef = builder.objectRef<ProviderHealth>('ProviderHealth').implement({
  description: 'How the calls to a provider went in the last minute, as seen by the instance that answers.',
  fields: t => ({
    circuit: t.expose('circuit', {
      type: CircuitStateEnum,
      nullable: false,
      description: 'The worst of its circuits: reads, creates and other writes have one each.',
    }),
    errorRate: t.exposeFloat('errorRate', {
      nullable: false,
      description: 'The share of calls that it failed, 0 to 1.',
    }),
    p50Ms: t.exposeFloat('p50Ms', {
      description: 'Half of the calls took at most so many milliseconds; null without calls.',
    }),
    p95Ms: t.exposeFloat('p95Ms', {
      description: '95 % of the calls took at most so many milliseconds; null without calls.',
    }),
    inFlight: t.exposeInt('inFlight', { nullable: false, description: 'Calls under way.' }),
    driftCount: t.exposeInt('driftCount', {
      nullable: false,
      description: 'How often its answers said something else than its documentation, since the start.',
    }),
    lastWebhookAt: t.loadable({
      type: 'DateTime',
      description: 'When its last webhook came in, by whichever instance; null where none ever did.',
      load: (providers: Provider[], context) => context.services.endpoints.lastReceived(context, providers),
      resolve: health => health.provider,
    }),
  }),
})

const ProviderInfoRef = builder.objectRef<ProviderInfo>('ProviderInfo').implement({
  description: 'A provider as it is set up here.',
  fields: t => ({
    provider: t.expose('provider', { type: ProviderEnum, nullable: false, description: 'Its name.' }),
    configured: t.exposeBoolean('configured', {
      nullable: false,
      description: 'False where there are no credentials; every call then answers PROVIDER_NOT_CONFIGURED.',
    }),
    sandbox: t.exposeBoolean('sandbox', {
      nullable: false,
      description: 'True where the built-in sandbox answers in its place.',
    }),
    capabilities: t.expose('capabilities', {
      type: [CapabilityEnum],
      nullable: false,
      description: 'What it can do.',
    }),
    health: t.field({
      type: ProviderHealthRef,
      description: 'How it does. Null where it is not configured.',
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
