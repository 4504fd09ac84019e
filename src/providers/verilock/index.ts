import type { ProviderModule } from '../contract.ts'
import { applicantDetails, attemptDetails, sessionDetails } from './mapper.ts'
import { connect, readRejection, type Settings, settings } from './provider.ts'
import { readWebhook } from './webhook.ts'

export const verilock: ProviderModule<Settings> = {
  provider: 'VERILOCK',
  name: 'Verilock',
  settings,
  secrets: ['apiKey'],
  isConfigured: ({ apiKey }) => apiKey !== undefined,
  isLive: ({ apiKey, baseUrl }) => new URL(baseUrl).hostname === 'verilock.io' && !apiKey?.startsWith('qi_test_'),
  readRejection: readRejection,
  connect,
  details: { session: sessionDetails, applicant: applicantDetails, attempt: attemptDetails },
  webhook: readWebhook,
  graphql: () => import('./graphql.ts'),
  sandbox: () => import('./sandbox.ts'),
}
