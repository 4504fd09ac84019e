import { randomUUID } from 'node:crypto'
import { Redis as Client, type RedisOptions } from 'ioredis'

/**
 * The Redis that several instances share. It has only hints and counts that may be lost: every command may fail, and every
 * command has a short timeout.
 */
export interface Redis {
  readonly isUp: boolean
  /** Runs a command; undefined where Redis is down, too slow or overloaded. Never rejects. */
  send<T>(command: (client: Client) => Promise<T>): Promise<T | undefined>
  /** Sends a message to the other instances. It may be lost. */
  publish(channel: string, message: string): void
  /** Receives the messages of other instances. */
  onMessage(channel: string, listener: (message: string) => void): void
  /** Called each time Redis goes down or comes up. */
  onChange(listener: (isUp: boolean) => void): void
  /** The name with the prefix of this application. */
  key(name: string): string
  close(): Promise<void>
}

export interface RedisSettings {
  readonly url: string
  /** Called once when Redis goes down, and once when it comes up. */
  readonly report: (isUp: boolean) => void
}

const PREFIX = 'sg:'
const COMMAND_MS = 200
/** Commands in flight; more are rejected. */
const MAX_PENDING = 1_000
const HEARTBEAT_MS = 500
/** At the start, a missing connection is reported after this time. */
const FIRST_PING_MS = 1_000
/** After so many missed heartbeats a connection is replaced. */
const MISSED_HEARTBEATS = 3
const MAX_RETRY_MS = 1_000

export function openRedis({ url, report }: RedisSettings): Redis {
  const self = randomUUID()
  const commands = new Client(url, OPTIONS)
  const messages = new Client(url, OPTIONS)
  const listeners = new Map<string, (message: string) => void>()
  const watchers: ((isUp: boolean) => void)[] = []
  // Channels span all databases of a Redis server; keys do not.
  const channelOf = (channel: string) => `${PREFIX}${commands.options.db ?? 0}:${channel}`
  let isUp = false
  let reported: boolean | undefined
  let pending = 0
  let missedHeartbeats = 0
  let closed = false

  for (const client of [commands, messages]) {
    // `isUp` shows failures; without a listener ioredis prints each error.
    client.on('error', () => {})
    client.on('close', () => updateState(false))
    client.on('ready', () => void ping())
  }
  messages.on('message', (channel, text: string) => {
    const [, from, message = ''] = /^(\S+) ([\s\S]*)$/.exec(text) ?? []
    if (from !== self) listeners.get(channel)?.(message)
  })

  /** Both connections must reply, and be subscribed. */
  async function ping(): Promise<void> {
    clearTimeout(beat)
    try {
      if (listeners.size > 0) await messages.subscribe(...listeners.keys())
      await Promise.all([commands.ping(), messages.ping()])
      missedHeartbeats = 0
      updateState(true)
    } catch {
      updateState(false)
      missedHeartbeats += 1
      if (missedHeartbeats % MISSED_HEARTBEATS === 0) for (const client of [commands, messages]) client.disconnect(true)
    }
    if (!closed) beat = setTimeout(() => void ping(), HEARTBEAT_MS).unref()
  }

  function updateState(up: boolean): void {
    isUp = up
    if (reported === up || closed) return
    // At the start, a missing connection is reported only after the first ping.
    if (reported === undefined && !up && missedHeartbeats === 0) return
    reported = up
    report(up)
    for (const watcher of watchers) watcher(up)
  }

  async function send<T>(command: (client: Client) => Promise<T>): Promise<T | undefined> {
    if (!isUp || pending >= MAX_PENDING) return undefined
    pending++
    try {
      return await command(commands)
    } catch {
      return undefined
    } finally {
      pending--
    }
  }

  let beat = setTimeout(() => void ping(), FIRST_PING_MS).unref()
  return {
    get isUp() {
      return isUp
    },
    send,
    publish: (channel, message) => void send(client => client.publish(channelOf(channel), `${self} ${message}`)),
    onMessage: (channel, listener) => {
      listeners.set(channelOf(channel), listener)
    },
    onChange: listener => void watchers.push(listener),
    key: name => PREFIX + name,
    close: async () => {
      closed = true
      clearTimeout(beat)
      for (const client of [commands, messages]) client.disconnect()
    },
  }
}

/** Commands that cannot be sent at once fail, so that none queue up while Redis is down. */
const OPTIONS: RedisOptions = {
  commandTimeout: COMMAND_MS,
  connectTimeout: 1_000,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  retryStrategy: times => Math.min(50 * 2 ** Math.min(times, 10), MAX_RETRY_MS),
}
