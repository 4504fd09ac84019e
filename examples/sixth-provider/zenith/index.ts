import type { ProviderModule } from '../contract.ts'
import { sessionDetails } from './mapper.ts'
import { connect, readRejection, type Settings, settings } from './provider.ts'

export const zenith: ProviderModule<Settings> = {
  provider: 'ZENITH',
  name: 'Zenith',
  settings,
  secrets: ['apiKey'],
  isConfigured: ({ apiKey }) => apiKey !== undefined,
  isLive: ({ apiKey, baseUrl }) =>
    new URL(baseUrl).hostname === 'api.zenith.example' && !apiKey?.startsWith('zenith_test_'),
  readRejection,
  connect,
  details: { session: sessionDetails },
  graphql: () => import('./graphql.ts'),
  sandbox: () => import('./sandbox.ts'),
}
