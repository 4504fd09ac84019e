import type { ProviderModule } from '../contract.ts'
import { attemptDetails, sessionDetails } from './mapper.ts'
import { connect, readRefusal, type Settings, settings } from './provider.ts'
import { readWebhook } from './webhook.ts'

export const kayle: ProviderModule<Settings> = {
  provider: 'KAYLE',
  settings,
  secrets: ['apiKey'],
  isConfigured: ({ apiKey }) => apiKey !== undefined,
  // Kayle has no test keys: what is not its own host is not its real service.
  isLive: ({ baseUrl }) => new URL(baseUrl).hostname === 'api.kayle.id',
  readRefusal,
  connect,
  encryptsWebhooks: true,
  details: { session: sessionDetails, attempt: attemptDetails },
  webhook: readWebhook,
  graphql: () => import('./graphql.ts'),
  sandbox: () => import('./sandbox.ts'),
}
