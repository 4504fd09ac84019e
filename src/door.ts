import { type DoorSettings, doorLimits, isShown, toOrigins } from './door-settings.ts'
import { readExamples } from './examples.ts'
import type { DoorOptions } from './server/app.ts'
import type { Budget } from './server/budget.ts'
import { createTrustedDocuments } from './server/trusted-documents.ts'
import type { Logger } from './telemetry/log.ts'

export interface DoorParts {
  readonly log: Logger
  /** What clients may spend. */
  readonly budget: Budget
}

/** The door as it is set. Throws where the folder of the trusted documents is not there. */
export function openDoor(
  settings: DoorSettings & { readonly NODE_ENV: string },
  { log, budget }: DoorParts,
): DoorOptions {
  const mode = settings.TRUSTED_DOCUMENTS
  const texts = mode === 'off' ? [] : readExamples(settings.TRUSTED_DOCUMENTS_DIR).map(({ query }) => query)
  return {
    limits: doorLimits(settings),
    budget,
    corsOrigins: toOrigins(settings.CORS_ORIGINS),
    introspection: isShown(settings.INTROSPECTION, settings),
    suggestions: isShown(settings.SUGGESTIONS, settings),
    trusted: {
      mode,
      documents: createTrustedDocuments(texts),
      warn: documentId => log.warn({ documentId }, 'a document that is not registered was carried out'),
    },
  }
}
