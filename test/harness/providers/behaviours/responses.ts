import type { Path } from '../../documents/mutate.ts'
import { FREE_TEXT } from '../create-subjects.ts'
import type { Step } from '../hostile-server.ts'
import type { RequestedOperation } from './behaviour.ts'

export type Headers = Readonly<Record<string, string>>

export function http(status: number, body: Buffer | string, headers: Headers = {}): Buffer {
  const bytes = Buffer.from(body)
  const all = { 'content-type': 'application/json', 'content-length': bytes.length, 'x-note': FREE_TEXT, ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} ${FREE_TEXT}\r\n${lines.join('')}\r\n`), bytes])
}

export const json = (status: number, body: unknown, headers?: Headers) => http(status, JSON.stringify(body), headers)
export const success = ({ made }: RequestedOperation) => json(200, made)
export const HTML = `<!doctype html><html><body><h1>${FREE_TEXT}</h1></body></html>`

export function inPieces(bytes: Buffer, pieces: number, pauseMs: number): Step[] {
  const size = Math.ceil(bytes.length / pieces)
  return Array.from({ length: pieces }, (_, at) => [bytes.subarray(at * size, (at + 1) * size), { pauseMs }]).flat()
}

/** The success with `value` at a path. Without a value, the path is removed. */
export function withAt(made: object, path: Path, value?: unknown): object {
  const changed = structuredClone(made)
  const parent = path.slice(0, -1).reduce((inner, key) => Reflect.get(inner, key), changed)
  const last = path.at(-1) ?? ''
  if (value === undefined) Reflect.deleteProperty(parent, last)
  else Reflect.set(parent, last, value)
  return changed
}

/** The success with raw text at a path, for values that JSON cannot represent. */
export function withRaw(made: object, path: Path, raw: string): string {
  return JSON.stringify(withAt(made, path, '@raw@')).replace('"@raw@"', raw)
}
