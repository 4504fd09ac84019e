import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../../src/app/package.ts'

/** A page of the documentation. `path` is relative to the package. */
export function readDoc(path: string): string {
  return readFileSync(join(packageRoot(), path), 'utf8')
}

export function docPaths(): string[] {
  const docs = readdirSync(join(packageRoot(), 'docs')).filter(file => file.endsWith('.md'))
  return ['CHANGELOG.md', 'README.md', ...docs.map(file => `docs/${file}`)]
}

/** The code blocks of one language. */
export function codeBlocks(page: string, language: string): string[] {
  return [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, is, code = '']) => (is === language ? [code] : []))
}

/** The rows of all tables, including headers, as trimmed cells. */
export function tableRows(page: string): string[][] {
  const lines = page.split('\n').filter(line => line.startsWith('|') && !line.startsWith('|---'))
  return lines.map(line =>
    line
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim()),
  )
}

/** The texts in backticks. */
export function quotedIn(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, quoted = '']) => quoted)
}
