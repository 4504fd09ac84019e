import { readFileSync, writeFileSync } from 'node:fs'
import { buildSchema } from 'graphql'
import { findUndeclared } from './schema-changes.ts'

/**
 * The last step before a version is tagged: `npm run release`. The present schema becomes the released one, and what
 * CHANGELOG.md has under Unreleased gets the version of package.json.
 */
const at = (path: string) => new URL(`../${path}`, import.meta.url)
const read = (path: string) => readFileSync(at(path), 'utf8')

const present = read('schema/schema.graphql')
const changelog = read('CHANGELOG.md')
const { version } = JSON.parse(read('package.json')) as { version: string }

const problems = await findUndeclared(buildSchema(read('schema/released.graphql')), buildSchema(present), changelog)
if (changelog.includes(`\n## ${version}\n`))
  problems.push(`CHANGELOG.md has a version ${version} already: raise it in package.json.`)
if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exit(1)
}
writeFileSync(at('schema/released.graphql'), present)
writeFileSync(at('CHANGELOG.md'), changelog.replace('\n## Unreleased\n', `\n## Unreleased\n\n## ${version}\n`))
console.log(`${version} is what clients may rely on. Commit and tag it.`)
