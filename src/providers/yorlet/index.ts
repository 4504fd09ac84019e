import type { ProviderModule } from '../contract.ts'
import { applicantDetails, customerDetails, sessionDetails } from './mapper.ts'
import { connect, readRejection, type Settings, settings } from './provider.ts'
import { readWebhook } from './webhook.ts'

export const yorlet: ProviderModule<Settings> = {
  provider: 'YORLET',
  name: 'Yorlet',
  settings,
  secrets: ['apiKey'],
  isConfigured: ({ apiKey }) => apiKey !== undefined,
  // Yorlet's test environment has its own host, api.yorlet.io. Its keys do not identify themselves as test keys.
  isLive: ({ baseUrl }) => new URL(baseUrl).hostname === 'api.yorlet.com',
  readRejection: readRejection,
  connect,
  details: { session: sessionDetails, applicant: applicantDetails, customer: customerDetails },
  webhook: readWebhook,
  journey: { step: 'APPLICATION', resumable: true },
  graphql: () => import('./graphql.ts'),
  sandbox: () => import('./sandbox.ts'),
}
