import type { CallKind } from './transport.ts'

/** What instances tell each other of one account's circuits. */
export interface BreakerHints {
  /** A circuit of ours was opened, for so long. */
  opened(kind: CallKind, ms: number): void
  /** How long another instance's circuit stays open, as it told us; 0 where none does. */
  blockedMs(kind: CallKind): number
}

export const NO_HINTS: BreakerHints = { opened: () => {}, blockedMs: () => 0 }
