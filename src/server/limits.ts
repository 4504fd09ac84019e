/** How much one request may ask for. */
export interface DoorLimits {
  readonly maxBodyBytes: number
  /** How deep the JSON of a request may be nested. */
  readonly maxJsonDepth: number
  readonly maxTokens: number
  readonly maxDepth: number
  readonly maxAliases: number
  readonly maxRootFields: number
  /** In calls to a provider; a hundred rows of ours count as one. */
  readonly maxCost: number
}

export const DEFAULT_DOOR_LIMITS: DoorLimits = {
  maxBodyBytes: 256 * 1024,
  maxJsonDepth: 64,
  maxTokens: 2_000,
  maxDepth: 12,
  maxAliases: 30,
  maxRootFields: 10,
  maxCost: 200,
}

export interface ListenerLimits {
  /** How long a client may take to send its headers, in all. */
  readonly headersTimeoutMs: number
  /** How long a client may take to send its whole request. */
  readonly requestTimeoutMs: number
  /** How long a connection on which nothing is asked stays open. */
  readonly keepAliveTimeoutMs: number
  readonly maxHeaderBytes: number
}

export const DEFAULT_LISTENER_LIMITS: ListenerLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  keepAliveTimeoutMs: 5_000,
  maxHeaderBytes: 16 * 1024,
}
