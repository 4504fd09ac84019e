import type { ProviderModule } from '../contract.ts'
import { attemptDetails, sessionDetails } from './mapper.ts'
import { connect, readRejection, type Settings, settings } from './provider.ts'
import { decryptWebhook, readWebhook } from './webhook.ts'

export const kayle: ProviderModule<Settings> = {
  provider: 'KAYLE',
  name: 'Kayle',
  settings,
  secrets: ['apiKey'],
  isConfigured: ({ apiKey }) => apiKey !== undefined,
  // Kayle has no test keys; only this host is its production service.
  isLive: ({ baseUrl }) => new URL(baseUrl).hostname === 'api.kayle.id',
  readRejection: readRejection,
  connect,
  decryptWebhook,
  details: { session: sessionDetails, attempt: attemptDetails },
  webhook: readWebhook,
  journey: { step: 'VERIFICATION', resumable: true },
  graphql: () => import('./graphql.ts'),
  sandbox: () => import('./sandbox.ts'),
}
