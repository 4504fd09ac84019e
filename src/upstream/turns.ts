/** Lets one instance at a time read the same thing, so that the others need not. */
export interface Turns {
  /**
   * READ where another instance read it while we waited; else it is our turn, or nobody can tell whose it is, and `end`
   * tells the others whether it was read.
   */
  take(key: string, signal: AbortSignal): Promise<'READ' | Turn>
}

export interface Turn {
  end(read: boolean): void
}

const ALONE: Turn = { end: () => {} }

/** For an instance that has nobody to share with. */
export const NO_TURNS: Turns = { take: async () => ALONE }
