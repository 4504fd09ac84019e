import type { ProviderModule } from '../contract.ts'
import { applicantDetails, customerDetails, sessionDetails } from './mapper.ts'
import { connect, readRefusal, type Settings, settings } from './provider.ts'
import { readWebhook } from './webhook.ts'

export const yorlet: ProviderModule<Settings> = {
  provider: 'YORLET',
  settings,
  secrets: ['apiKey'],
  isConfigured: ({ apiKey }) => apiKey !== undefined,
  // Yorlet's test environment has a host of its own, api.yorlet.io; no key is known to be a test key by its looks.
  isLive: ({ baseUrl }) => new URL(baseUrl).hostname === 'api.yorlet.com',
  readRefusal,
  connect,
  details: { session: sessionDetails, applicant: applicantDetails, customer: customerDetails },
  webhook: readWebhook,
  graphql: () => import('./graphql.ts'),
  sandbox: () => import('./sandbox.ts'),
}
