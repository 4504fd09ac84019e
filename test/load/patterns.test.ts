import { readdirSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { expect, test } from 'vitest'

/** Every regular expression of the server takes linear time on texts that are made to be slow for it. */

const LENGTH = 40_000
/** A quadratic expression takes seconds for such a text, a linear one a millisecond. */
const MOST_MS = 400

/** Guarded before they are used. */
const GUARDED = new Set([
  // JSON.parse rejects the texts on which it is slow.
  String.raw`/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g`,
])

/** The command line and the sandboxes read no text of a client of the API. */
const NOT_SERVED = /^src\/(cli|sandbox|demo)\/|\/sandbox[\w-]*\.ts$|\/fixtures\.ts$/

function patternsOf(folder: string): { readonly file: string; readonly text: string }[] {
  const found: { readonly file: string; readonly text: string }[] = []
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = `${folder}/${name}`
    if (!file.endsWith('.ts') || NOT_SERVED.test(file)) continue
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest)
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) found.push({ file, text: node.text })
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return found
}

function parsePattern(text: string): RegExp {
  const end = text.lastIndexOf('/')
  return new RegExp(text.slice(1, end), text.slice(end + 1))
}

const COMMON = ['a', 'A', '0', ' ', '-', '"', '\\', '@', '\n', 'é', '😀', ' \t', 'a.', '0,', '""', '\\"']

/** Texts that repeat what the expression itself looks for, and then do not end as it wants. */
function slowTexts(pattern: string): string[] {
  const words = pattern.match(/[A-Za-z]{2,}(?: [A-Za-z]+)*/g) ?? []
  const letters = [...new Set(pattern.replace(/\\[a-zA-Z]/g, ''))]
  const pumps = [...new Set([...COMMON, ...letters, ...words, ...words.map(word => ` ${word} '`)])]
  return pumps.flatMap(pump => {
    const long = pump.repeat(Math.ceil(LENGTH / pump.length))
    return ['', '\u0001'].map(end => long + end)
  })
}

function msOf(run: () => unknown): number {
  const begun = performance.now()
  run()
  return performance.now() - begun
}

/** The best of several times, because other processes take time, too. */
function bestMs(pattern: RegExp, text: string): number {
  const run = () => (pattern.global ? text.replace(pattern, '') : pattern.test(text))
  let best = msOf(run)
  for (let times = 0; times < 3 && best > MOST_MS; times++) best = Math.min(best, msOf(run))
  return best
}

test('no regular expression of the server is slow for any text', () => {
  const patterns = ['src', 'schema', 'db'].flatMap(patternsOf)
  expect(patterns.length).toBeGreaterThan(80)
  const slow = patterns
    .filter(({ text }) => !GUARDED.has(text))
    .flatMap(({ file, text }) => {
      const pattern = parsePattern(text)
      const found = slowTexts(text).find(each => bestMs(pattern, each) > MOST_MS)
      return found === undefined
        ? []
        : [`${file} ${text}: ${JSON.stringify(found.slice(0, 8))}… ${JSON.stringify(found.slice(-2))}`]
    })
  expect(slow).toEqual([])
}, 300_000)
