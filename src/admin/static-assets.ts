import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { packageRoot } from '../app/package.ts'

export interface Asset {
  readonly body: Buffer
  readonly type: string
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/**
 * All files of the console by name. The chart library comes from its installed package; nothing is loaded from other
 * hosts.
 */
export function loadAssets(): ReadonlyMap<string, Asset> {
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
      return type ? [[name === 'index.html' ? '' : name, { body: readFileSync(path), type }]] : []
    }),
  )
}
