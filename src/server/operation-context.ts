import { setMaxListeners } from 'node:events'
import type { DocumentNode } from 'graphql'
import { type Context, createContext } from '../context.ts'
import type { Signalling } from '../domain/time-limit.ts'
import type { Trail } from '../domain/trail.ts'
import type { Services } from '../services/services.ts'
import type { Admitted } from './use-authentication.ts'

/** Who asks, and until when. */
export interface Operating extends Admitted {
  readonly trail: Trail
  readonly limit: Signalling
  readonly lastEventId: string | null
  /** True where parts of the answer may be sent before others are known. */
  readonly inParts: boolean
  /** True where it asks from where on it may follow what happens. */
  readonly asksCursor: boolean
}

/** What resolvers are given for one operation. */
export type OpenContext = (operating: Operating) => Promise<Context>

export function contextOpener(services: Services, now: () => Date): OpenContext {
  return async ({ caller, requestId, startedAt, trail, limit, lastEventId, inParts, asksCursor }) => {
    // The position has to be older than everything that is read, so it is taken first, where it is asked for at all.
    const liveCursor = asksCursor ? await services.live.cursor(caller) : ''
    const listened = new ManyListeners(limit)
    const asked = {
      caller,
      requestId,
      startedAt,
      trail,
      inParts,
      liveCursor,
      lastEventId,
      limit: listened,
      services,
      now,
    }
    return createContext(asked)
  }
}

/** A field of this name may be an alias of another: then a position is taken in vain. */
export function asksCursor(document: DocumentNode): boolean {
  return document.loc?.source.body.includes('liveCursor') ?? true
}

/** Each read of the operation listens to its signal while it runs: as many as one may ask for, which is no leak. */
class ManyListeners implements Signalling {
  readonly #limit: Signalling
  #signal: AbortSignal | undefined

  constructor(limit: Signalling) {
    this.#limit = limit
  }

  get signal(): AbortSignal {
    if (!this.#signal) {
      this.#signal = this.#limit.signal
      setMaxListeners(0, this.#signal)
    }
    return this.#signal
  }
}
