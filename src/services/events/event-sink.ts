/** What sends the events of a subscription, and pays for reading them. */
export interface EventSink {
  readonly ended: AbortSignal
  /** Resolves in a turn of the event loop with time left for one more read. All streams and large operations share it. */
  turn(): Promise<void>
  /** Counts events that were read beside those that are sent. Returns true once they are many and must be charged. */
  countReads(events: number): boolean
  /** Charges the caller for one more event, and for the counted ones. Throws RATE_LIMITED: the client continues later from its last cursor. */
  charge(): Promise<void>
  /** Charges the caller for the counted events. Throws RATE_LIMITED, too. */
  chargeReads(): Promise<void>
  /** Called with the cursor of an event before it is sent, or of one that was read and does not match, before it is charged. */
  reached(cursor: string): void
}
