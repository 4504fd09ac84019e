import type { OperationReport } from '../domain/operation-observer.ts'
import type { Logger } from './log.ts'
import { OTHER_OPERATION } from './metrics.ts'

export interface OperationLogOptions {
  readonly isKnown: (name: string) => boolean
  /** True to log the name of every operation, as in a developer's terminal: a client can write personal data into it. */
  readonly logsAllNames: boolean
  /** The share of successful operations that are logged, 0 to 1. Failed operations are always logged. */
  readonly share: number
}

/** Logs one line per operation. Unknown operation names are omitted in a stored log, because they may contain personal data. */
export function logOperations(
  log: Logger,
  { isKnown, logsAllNames, share }: OperationLogOptions,
): (reported: OperationReport) => void {
  // These lines contain no secrets, and redaction costs as much as writing them.
  const lines = log.child({}, { redact: [] })
  let succeeded = 0
  return reported => {
    const { callLog, name, kind, ms, outcome, codes, tenantId, keyId } = reported
    // Deterministic sampling: a share of 0.1 logs every tenth operation.
    if (outcome === 'ok' && Math.floor(++succeeded * share) === Math.floor((succeeded - 1) * share)) return
    // pino leaves out what is undefined.
    const line = {
      id: callLog.requestId,
      operation: nameOf(name, logsAllNames, isKnown),
      kind,
      ms: Math.round(ms * 10) / 10,
      calls: callLog.callCount,
      avoided: callLog.avoided.length,
      outcome,
      codes: codes.length > 0 ? codes : undefined,
      tenant: tenantId,
      key: keyId ?? undefined,
    }
    lines[levelOf(reported)](line, 'operation')
  }
}

function nameOf(name: string | null, logsAllNames: boolean, isKnown: (name: string) => boolean): string {
  if (logsAllNames) return name?.slice(0, MAX_NAME) ?? ANONYMOUS
  return name && isKnown(name) ? name : OTHER_OPERATION
}

const ANONYMOUS = '(anonymous)'
/** The name of a rejected request can be any text. */
const MAX_NAME = 100

/** Client errors have level info; failures of a provider or of this server have level warn or error. */
function levelOf({ codes }: OperationReport): 'error' | 'warn' | 'info' {
  if (codes.includes('INTERNAL_ERROR')) return 'error'
  return codes.some(code => WARN_CODES.test(code)) ? 'warn' : 'info'
}

const WARN_CODES = /^(DEADLINE_EXCEEDED|OVERLOADED|PROVIDER_(AUTH_FAILED|CONTRACT_BROKEN|RATE_LIMITED|UNAVAILABLE))$/
