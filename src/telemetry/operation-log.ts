import type { ToldOperation } from '../domain/operation-watch.ts'
import type { Logger } from './log.ts'
import { OTHER } from './metrics.ts'

export interface OperationLogOptions {
  readonly isKnown: (name: string) => boolean
  /** 0 to 1: of how many of the operations that went well a line is written; of the others always. */
  readonly share: number
}

/** One line for each operation. A name that is not one of ours could be anything, a person's too: it is not written. */
export function logOperations(log: Logger, { isKnown, share }: OperationLogOptions): (told: ToldOperation) => void {
  // Nothing in these lines has to be redacted, and looking for it costs as much as writing them.
  const lines = log.child({}, { redact: [] })
  let wentWell = 0
  return told => {
    const { trail, name, kind, ms, outcome, codes, tenantId, keyId } = told
    // Evenly, and without chance: of a share of 0.1 each tenth.
    if (outcome === 'ok' && Math.floor(++wentWell * share) === Math.floor((wentWell - 1) * share)) return
    const line = {
      id: trail.requestId,
      operation: name && isKnown(name) ? name : OTHER,
      kind,
      ms: Math.round(ms * 10) / 10,
      calls: trail.callCount,
      spared: trail.spared.length,
      outcome,
      ...(codes.length > 0 && { codes }),
      tenant: tenantId,
      ...(keyId && { key: keyId }),
    }
    lines[levelOf(told)](line, 'operation')
  }
}

/** What a client did wrong is no trouble of ours; what a provider or we did is. */
function levelOf({ codes }: ToldOperation): 'error' | 'warn' | 'info' {
  if (codes.includes('INTERNAL_ERROR')) return 'error'
  return codes.some(code => TROUBLE.test(code)) ? 'warn' : 'info'
}

const TROUBLE = /^(DEADLINE_EXCEEDED|OVERLOADED|PROVIDER_(AUTH_FAILED|CONTRACT_BROKEN|RATE_LIMITED|UNAVAILABLE))$/
