/** What one check of `sessiongraph doctor` found. NOTE: nothing is broken, and it is good to know. */
export interface Finding {
  readonly state: 'OK' | 'NOTE' | 'PROBLEM'
  readonly check: string
  /** What is so, and what to do about it. */
  readonly says: string
}

export function ok(check: string, says: string): Finding {
  return { state: 'OK', check, says }
}

export function note(check: string, says: string): Finding {
  return { state: 'NOTE', check, says }
}

export function problem(check: string, says: string): Finding {
  return { state: 'PROBLEM', check, says }
}
