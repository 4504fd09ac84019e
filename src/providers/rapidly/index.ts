import type { ProviderModule } from '../contract.ts'
import { customerDetails, sessionDetails } from './mapper.ts'
import { connect, readRefusal, type Settings, settings } from './provider.ts'
import { readWebhook } from './webhook.ts'

export const rapidly: ProviderModule<Settings> = {
  provider: 'RAPIDLY',
  settings,
  secrets: ['apiKey'],
  isConfigured: ({ apiKey }) => apiKey !== undefined,
  // Rapidly has no test keys, but an older test host: what is not this host is not its real service.
  isLive: ({ baseUrl }) => new URL(baseUrl).hostname === 'api.rapidly.tech',
  readRefusal,
  connect,
  details: { session: sessionDetails, customer: customerDetails },
  webhook: readWebhook,
  graphql: () => import('./graphql.ts'),
  sandbox: () => import('./sandbox.ts'),
}
