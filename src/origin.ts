import { isLoopback } from './config.ts'

/** Where a server that listens at `host` is found by others. */
export function toOrigin(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Where it is found by what runs on this machine; undefined where only another of its addresses is listened at. */
export function toLocalOrigin(host: string, port: number): string | undefined {
  const local = EVERYWHERE.get(host) ?? host
  return isLoopback(local) ? toOrigin(local, port) : undefined
}

const EVERYWHERE: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
])
