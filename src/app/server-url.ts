import { isLoopbackHost } from '../domain/input/hosts.ts'

/** Where a server that listens at `host` is found by others. */
export function formatOrigin(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Where it is found by what runs on this machine; undefined where only another of its addresses is listened at. */
export function loopbackUrl(host: string, port: number): string | undefined {
  const local = WILDCARD_HOSTS.get(host) ?? host
  return isLoopbackHost(local) ? formatOrigin(local, port) : undefined
}

const WILDCARD_HOSTS: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
])
