/** What sends the events of a subscription, and pays for reading them. */
export interface EventSink {
  readonly ended: AbortSignal
  /** Resolves in a turn of the event loop with time left for one more read. All streams and large operations share it. */
  turn(): Promise<void>
  /**
   * Charges the caller for events that were read beside those that are sent, whatever becomes of the stream. Returns true where
   * `assertPaid` has to be called.
   */
  countReads(events: number): boolean
  /** Charges the caller for one more event. Throws RATE_LIMITED: the client continues later from its last cursor. */
  charge(): Promise<void>
  /** Throws RATE_LIMITED if the budget was too small for the events that were read. */
  assertPaid(): Promise<void>
  /** Called with the cursor of an event before it is sent, or of one that was read and does not match, before `assertPaid`. */
  reached(cursor: string): void
}
