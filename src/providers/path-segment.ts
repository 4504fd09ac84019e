import { ProviderNotFoundError } from '../domain/errors.ts'
import type { Provider } from '../domain/provider.ts'

/**
 * An id as one segment of a URL's path. Throws NOT_FOUND for "." and "..", which URLs resolve to another path even if they
 * are escaped: no provider has such an id.
 */
export function toPathSegment(provider: Provider, id: string): string {
  if (id === '.' || id === '..') throw new ProviderNotFoundError(provider, `${provider} has no record with this id.`)
  return encodeURIComponent(id)
}
