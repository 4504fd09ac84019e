import { randomUUID } from 'node:crypto'
import { Redis as Client, type RedisOptions } from 'ioredis'

/**
 * The Redis that several instances share. It carries hints and counts, never anything that must not be lost: whatever is
 * asked of it may come to nothing, and nobody waits long for it.
 */
export interface Redis {
  readonly isUp: boolean
  /** Runs a command; undefined where Redis is away, too slow or has too much to do. Never rejects. */
  ask<T>(command: (client: Client) => Promise<T>): Promise<T | undefined>
  /** Tells the other instances, as far as they can be reached. */
  publish(channel: string, message: string): void
  /** Is told what other instances publish. */
  onMessage(channel: string, listener: (message: string) => void): void
  /** Is told each time Redis goes away or comes back. */
  onChange(listener: (isUp: boolean) => void): void
  /** The full name of a key of ours. */
  key(name: string): string
  close(): Promise<void>
}

export interface RedisSettings {
  readonly url: string
  /** Told once that it is away, and once that it is back. */
  readonly report: (isUp: boolean) => void
}

const PREFIX = 'sg:'
const COMMAND_MS = 200
/** More than this do not wait for it at a time. */
const MOST_WAITING = 1_000
const HEARTBEAT_MS = 500
/** Who is not connected after so long at the start is told of. */
const FIRST_LOOK_MS = 1_000
/** A connection that says nothing for so many beats is given up, with all that waits on it. */
const DEAF_BEATS = 3
const LAST_RETRY_MS = 1_000

export function openRedis({ url, report }: RedisSettings): Redis {
  const self = randomUUID()
  const commands = new Client(url, OPTIONS)
  const messages = new Client(url, OPTIONS)
  const listeners = new Map<string, (message: string) => void>()
  const watchers: ((isUp: boolean) => void)[] = []
  // Messages go to all databases of a Redis; keys do not.
  const channelOf = (channel: string) => `${PREFIX}${commands.options.db ?? 0}:${channel}`
  let isUp = false
  let said: boolean | undefined
  let waiting = 0
  let deaf = 0
  let closed = false

  for (const client of [commands, messages]) {
    // What is wrong is known by the state; without a listener ioredis prints it each time.
    client.on('error', () => {})
    client.on('close', () => turn(false))
    client.on('ready', () => void look())
  }
  messages.on('message', (channel, text: string) => {
    const [, from, message = ''] = /^(\S+) ([\s\S]*)$/.exec(text) ?? []
    if (from !== self) listeners.get(channel)?.(message)
  })

  /** Both connections have to answer, and to listen where they should. */
  async function look(): Promise<void> {
    clearTimeout(beat)
    try {
      if (listeners.size > 0) await messages.subscribe(...listeners.keys())
      await Promise.all([commands.ping(), messages.ping()])
      deaf = 0
      turn(true)
    } catch {
      turn(false)
      deaf += 1
      if (deaf % DEAF_BEATS === 0) for (const client of [commands, messages]) client.disconnect(true)
    }
    if (!closed) beat = setTimeout(() => void look(), HEARTBEAT_MS).unref()
  }

  function turn(up: boolean): void {
    isUp = up
    if (said === up || closed) return
    // It is not there yet at the start: that is news only if it stays so.
    if (said === undefined && !up && deaf === 0) return
    said = up
    report(up)
    for (const watcher of watchers) watcher(up)
  }

  async function ask<T>(command: (client: Client) => Promise<T>): Promise<T | undefined> {
    if (!isUp || waiting >= MOST_WAITING) return undefined
    waiting++
    try {
      return await command(commands)
    } catch {
      return undefined
    } finally {
      waiting--
    }
  }

  let beat = setTimeout(() => void look(), FIRST_LOOK_MS).unref()
  return {
    get isUp() {
      return isUp
    },
    ask,
    publish: (channel, message) => void ask(client => client.publish(channelOf(channel), `${self} ${message}`)),
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

/** What cannot be sent at once is not sent: nothing gathers while it is away. */
const OPTIONS: RedisOptions = {
  commandTimeout: COMMAND_MS,
  connectTimeout: 1_000,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  retryStrategy: times => Math.min(50 * 2 ** Math.min(times, 10), LAST_RETRY_MS),
}
