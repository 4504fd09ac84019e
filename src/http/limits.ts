/** The limits of one request. */
export interface RequestLimits {
  readonly maxBodyBytes: number
  /** The maximum nesting of the JSON of a request. */
  readonly maxJsonDepth: number
  readonly maxTokens: number
  readonly maxDepth: number
  readonly maxAliases: number
  readonly maxRootFields: number
  /** The maximum number of operations in a batch. 1: a request is one operation. */
  readonly maxBatchSize: number
  /** The smallest request costs 10, a provider call 30, four stored rows 1. */
  readonly maxCost: number
}

export const DEFAULT_REQUEST_LIMITS: RequestLimits = {
  maxBodyBytes: 256 * 1024,
  maxJsonDepth: 64,
  maxTokens: 2_000,
  maxDepth: 12,
  maxAliases: 30,
  maxRootFields: 10,
  maxBatchSize: 1,
  maxCost: 10_000,
}

export interface SocketTimeouts {
  /** For all headers of a request. */
  readonly headersTimeoutMs: number
  /** For a whole request. */
  readonly requestTimeoutMs: number
  /** For an idle connection. */
  readonly keepAliveTimeoutMs: number
  /** For a connection on which nothing is sent or received, such as to a client that does not read its response. */
  readonly stalledTimeoutMs: number
  readonly maxHeaderBytes: number
}

export const DEFAULT_SOCKET_TIMEOUTS: SocketTimeouts = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  // Longer than load balancers keep idle connections (most: 60 seconds), so that they close them first.
  keepAliveTimeoutMs: 75_000,
  // Longer than the time between two heartbeats of a stream. The time of an operation is added.
  stalledTimeoutMs: 60_000,
  maxHeaderBytes: 16 * 1024,
}

export interface Deadlines {
  readonly queryDeadlineMs: number
  readonly mutationDeadlineMs: number
}
