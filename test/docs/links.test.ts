import { existsSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../src/app/package.ts'
import { docPaths, headingAnchors, linksIn, readDoc } from '../harness/docs/docs.ts'

const PAGES = [
  ...docPaths(),
  'bench/README.md',
  'bench/results/report.md',
  'examples/sixth-provider/README.md',
  'examples/codegen/README.md',
  'examples/web/README.md',
]

test.each(PAGES)('every link in %s leads to a file, and to a heading of it', page => {
  expect(linksIn(readDoc(page)).flatMap(link => whatIsWrong(page, link))).toEqual([])
})

test('docs/README.md links every page of the documentation', () => {
  const linked = linksIn(readDoc('docs/README.md')).map(link => posix.join('docs', link))
  const pages = docPaths().filter(path => path.startsWith('docs/') && path !== 'docs/README.md')
  expect(pages.filter(page => !linked.includes(page))).toEqual([])
})

test('a link to a missing file or heading is found', () => {
  const links =
    '[one](settings.md) [two](missing.md) ![three](#nothing-here) <img src="gone.svg"> [four](settings.md#no)'
  const wrong = linksIn(`${links} [five](https://example.com/x) \`[six](seven)\``).flatMap(link =>
    whatIsWrong('docs/README.md', link),
  )
  expect(wrong).toEqual([
    'missing.md: no such file',
    '#nothing-here: no such heading',
    'settings.md#no: no such heading',
    'gone.svg: no such file',
  ])
})

test('anchors are those of GitHub', () => {
  expect(headingAnchors('# `doctor`: what is wrong?\n\n## Don’t\n\n## Don’t\n\n```sh\n# no heading\n```\n')).toEqual([
    'doctor-what-is-wrong',
    'dont',
    'dont-1',
  ])
})

function whatIsWrong(page: string, link: string): string[] {
  const [path = '', anchor] = link.split('#')
  const file = path === '' ? page : posix.join(posix.dirname(page), path)
  if (!existsSync(join(packageRoot(), file))) return [`${link}: no such file`]
  if (anchor === undefined) return []
  if (statSync(join(packageRoot(), file)).isDirectory()) return [`${link}: a folder has no headings`]
  return headingAnchors(readDoc(file)).includes(anchor) ? [] : [`${link}: no such heading`]
}
