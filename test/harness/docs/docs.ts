import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { packageRoot } from '../../../src/app/package.ts'

/** A page of the documentation. `path` is relative to the package. */
export function readDoc(path: string): string {
  return readFileSync(join(packageRoot(), path), 'utf8')
}

/** The pages of the documentation, relative to the package. */
export function docPaths(): string[] {
  const docs = readdirSync(join(packageRoot(), 'docs'), { recursive: true, encoding: 'utf8' })
  const pages = docs.filter(file => file.endsWith('.md')).map(file => `docs/${file.replaceAll(sep, '/')}`)
  return ['CHANGELOG.md', 'CONTRIBUTING.md', 'README.md', 'SECURITY.md', ...pages.sort()]
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

/** The relative targets of links and images, in Markdown and in HTML; none of those in code. */
export function linksIn(page: string): string[] {
  const prose = page.replace(/^( *)```.*?^\1```$/gms, '').replace(/`[^`\n]*`/g, '')
  const markdown = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  const html = [...prose.matchAll(/\b(?:src|srcset|href)="([^"]+)"/g)].map(([, link = '']) => link)
  return [...markdown, ...html].filter(link => !/^[a-z]+:/.test(link))
}

/** The anchors that GitHub gives to the headings of a page. */
export function headingAnchors(page: string): string[] {
  const headings = [...page.replace(/^( *)```.*?^\1```$/gms, '').matchAll(/^#+ (.*)$/gm)]
  const seen = new Map<string, number>()
  return headings.map(([, heading = '']) => {
    const anchor = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    const before = seen.get(anchor) ?? 0
    seen.set(anchor, before + 1)
    return before === 0 ? anchor : `${anchor}-${before}`
  })
}
