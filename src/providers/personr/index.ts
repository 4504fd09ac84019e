import type { ProviderModule } from '../contract.ts'
import { applicantDetails, attemptDetails, sessionDetails } from './mapper.ts'
import { connect, readRefusal, type Settings, settings } from './provider.ts'
import { readWebhook } from './webhook.ts'

export const personr: ProviderModule<Settings> = {
  provider: 'PERSONR',
  settings,
  secrets: ['apiKey', 'password'],
  isConfigured: ({ apiKey, email, password }) =>
    apiKey !== undefined || (email !== undefined && password !== undefined),
  // Personr has no test keys: what is not its own host is not its real service.
  isLive: ({ baseUrl }) => new URL(baseUrl).hostname === 'enterprise.personr.co',
  readRefusal,
  connect,
  details: { session: sessionDetails, applicant: applicantDetails, attempt: attemptDetails },
  webhook: readWebhook,
  graphql: () => import('./graphql.ts'),
  sandbox: () => import('./sandbox.ts'),
}
