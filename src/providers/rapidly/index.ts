import type { ProviderModule } from '../contract.ts'
import { customerDetails, sessionDetails } from './mapper.ts'
import { connect, readRejection, type Settings, settings } from './provider.ts'
import { readWebhook } from './webhook.ts'

export const rapidly: ProviderModule<Settings> = {
  provider: 'RAPIDLY',
  name: 'Rapidly',
  settings,
  secrets: ['apiKey'],
  isConfigured: ({ apiKey }) => apiKey !== undefined,
  // Rapidly has no test keys, but an older test host; only this host is its production service.
  isLive: ({ baseUrl }) => new URL(baseUrl).hostname === 'api.rapidly.tech',
  readRejection: readRejection,
  connect,
  details: { session: sessionDetails, customer: customerDetails },
  webhook: readWebhook,
  journey: { step: 'PORTAL', resumable: true },
  graphql: () => import('./graphql.ts'),
  sandbox: () => import('./sandbox.ts'),
}
