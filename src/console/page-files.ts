import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { packageRoot } from '../package.ts'

export interface PageFile {
  readonly body: Buffer
  readonly type: string
  /** Says what is in it: another body has another one. */
  readonly tag: string
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** All that the browser may load, by name. The chart library is the one that is installed; nothing comes from elsewhere. */
export function pageFiles(): ReadonlyMap<string, PageFile> {
  const folder = join(packageRoot(), 'console')
  const charts = dirname(createRequire(import.meta.url).resolve('uplot'))
  const own = readdirSync(folder).map((name): [string, string] => [name, join(folder, name)])
  const all: [string, string][] = [
    ...own,
    ['uplot.js', join(charts, 'uPlot.esm.js')],
    ['uplot.css', join(charts, 'uPlot.min.css')],
  ]
  return new Map(
    all.flatMap(([name, path]) => {
      const type = TYPES[extname(name)]
      return type ? [[name === 'index.html' ? '' : name, toFile(readFileSync(path), type)]] : []
    }),
  )
}

function toFile(body: Buffer, type: string): PageFile {
  return { body, type, tag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` }
}
