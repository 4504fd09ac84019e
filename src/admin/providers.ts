import { InvalidInputError, NotFoundError } from '../domain/errors.ts'
import { PROVIDERS, type Provider } from '../domain/provider.ts'
import { testConnection } from '../services/accounts/connection-check.ts'
import type { AccountView } from '../services/accounts/provider-settings.ts'
import type { Services } from '../services/services.ts'
import { recordAction } from './action-log.ts'
import type { AdminHandler } from './handler.ts'

const MAX_SECRET = 2_000

/** Where the credentials of a provider come from, and the names of its secrets, never their values. */
export function toCredentials({ providerSettings }: Services, views: readonly AccountView[], provider: Provider) {
  const from = views.find(view => view.provider === provider)?.from ?? null
  return { from, secrets: providerSettings.secretNames(provider) }
}

/** Makes one harmless read at the provider, which also closes its open circuit if it succeeds. Throws NOT_FOUND. */
export const checkProvider: AdminHandler = async (deps, operator, { id }) => {
  const provider = findProvider(id)
  await recordAction(deps, operator, 'provider.check', provider)
  return testConnection(await deps.services.accounts.get(operator.tenantId, provider))
}

/**
 * `{ "secrets": { "<name>": "<value>" } }`: replaces secrets of a stored account, and tests the connection with them. Throws
 * NOT_FOUND, BAD_REQUEST, INVALID_INPUT.
 */
export const replaceSecrets: AdminHandler = async (deps, operator, { id, body }) => {
  const provider = findProvider(id)
  const given = parseSecrets(body)
  await deps.services.providerSettings.replaceSecrets(operator, { provider, given, actor: operator.keyId })
  return testConnection(await deps.services.accounts.get(operator.tenantId, provider))
}

function parseSecrets(body: unknown): Record<string, string> {
  const secrets = typeof body === 'object' && body !== null && 'secrets' in body ? body.secrets : undefined
  const given = typeof secrets === 'object' && secrets !== null ? Object.entries(secrets) : []
  const issues = given.flatMap(([name, value]) =>
    typeof value === 'string' && value !== '' && value.length <= MAX_SECRET
      ? []
      : [{ path: [name], message: `Expected 1 to ${MAX_SECRET} characters.` }],
  )
  if (given.length === 0) issues.push({ path: ['secrets'], message: 'Expected at least one secret by its name.' })
  if (issues.length > 0) throw new InvalidInputError(issues)
  return Object.fromEntries(given) as Record<string, string>
}

function findProvider(name: string): Provider {
  const provider = PROVIDERS.find(known => known === name)
  if (!provider) throw new NotFoundError('Expected the name of a provider of this server in the path.')
  return provider
}
