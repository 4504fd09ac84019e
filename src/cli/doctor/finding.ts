/** What one check of `sessiongraph doctor` found. NOTE: nothing is broken, and it is good to know. */
export interface Finding {
  readonly state: 'OK' | 'NOTE' | 'PROBLEM'
  readonly check: string
  /** What is so, and what to do about it. */
  readonly message: string
}

export function ok(check: string, message: string): Finding {
  return { state: 'OK', check, message }
}

export function note(check: string, message: string): Finding {
  return { state: 'NOTE', check, message }
}

export function problem(check: string, message: string): Finding {
  return { state: 'PROBLEM', check, message }
}
