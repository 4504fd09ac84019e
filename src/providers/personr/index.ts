import type { ProviderModule } from '../contract.ts'
import { externalIdProblem } from './input.ts'
import { applicantDetails, attemptDetails, sessionDetails } from './mapper.ts'
import { connect, readRejection, type Settings, settings } from './provider.ts'
import { readWebhook } from './webhook.ts'

export const personr: ProviderModule<Settings> = {
  provider: 'PERSONR',
  name: 'Personr',
  settings,
  secrets: ['apiKey', 'password'],
  isConfigured: ({ apiKey, email, password }) =>
    apiKey !== undefined || (email !== undefined && password !== undefined),
  // Personr has no test keys; only this host is its production service.
  isLive: ({ baseUrl }) => new URL(baseUrl).hostname === 'enterprise.personr.co',
  readRejection: readRejection,
  connect,
  details: { session: sessionDetails, applicant: applicantDetails, attempt: attemptDetails, inherited: ['flowName'] },
  webhook: readWebhook,
  externalIdProblem,
  journey: { step: 'VERIFICATION', decidesByApplicant: true },
  graphql: () => import('./graphql.ts'),
  sandbox: () => import('./sandbox.ts'),
}
