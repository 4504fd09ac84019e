import { readFileSync, writeFileSync } from 'node:fs'
import { buildSchema } from 'graphql'
import { findUndeclared } from './schema-changes.ts'

/**
 * `npm run release`, the last step before a version is tagged: the current schema becomes the released one, and the
 * Unreleased section of CHANGELOG.md gets the version of package.json.
 */
const at = (path: string) => new URL(`../${path}`, import.meta.url)
const read = (path: string) => readFileSync(at(path), 'utf8')

const present = read('schema/schema.graphql')
const changelog = read('CHANGELOG.md')
const { version } = JSON.parse(read('package.json')) as { version: string }

const problems = await findUndeclared(buildSchema(read('schema/released.graphql')), buildSchema(present), changelog)
if (changelog.includes(`\n## ${version}\n`))
  problems.push(`CHANGELOG.md already has version ${version}: increase it in package.json.`)
if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exit(1)
}
writeFileSync(at('schema/released.graphql'), present)
writeFileSync(at('CHANGELOG.md'), changelog.replace('\n## Unreleased\n', `\n## Unreleased\n\n## ${version}\n`))
console.log(`Released ${version}. Commit and tag it.`)
