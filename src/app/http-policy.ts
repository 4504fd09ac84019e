import type { RequestPolicy } from '../http/app.ts'
import type { Cors } from '../http/cors.ts'
import { createTrustedDocuments } from '../http/document/trusted-documents.ts'
import type { RateLimiter } from '../http/pipeline/rate-limit.ts'
import type { Logger } from '../telemetry/log.ts'
import { loadTrustedDocuments } from './documents.ts'
import { type HttpSettings, isExposed, requestLimits } from './http-settings.ts'

export interface RequestPolicyDeps {
  readonly log: Logger
  readonly rateLimiter: RateLimiter
  readonly cors: Cors
}

/** Throws ConfigError if the folder of the trusted documents has none. */
export function createRequestPolicy(
  settings: HttpSettings & { readonly NODE_ENV: string },
  { log, rateLimiter, cors }: RequestPolicyDeps,
): RequestPolicy {
  const documents = loadTrustedDocuments(settings).map(({ query }) => query)
  return {
    limits: requestLimits(settings),
    rateLimiter,
    cors,
    introspection: isExposed(settings.INTROSPECTION, settings),
    suggestions: isExposed(settings.SUGGESTIONS, settings),
    trusted: {
      mode: settings.TRUSTED_DOCUMENTS,
      documents: createTrustedDocuments(documents),
      warn: documentId => log.warn({ documentId }, 'executed an unregistered document'),
    },
  }
}
