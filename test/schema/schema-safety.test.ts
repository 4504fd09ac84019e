import { buildSchema as fromSdl } from 'graphql'
import { describe, expect, test } from 'vitest'
import {
  declaredUnder,
  findBreakingChanges,
  findDangerousChanges,
  findInvalid,
  findUndeclared,
} from '../../scripts/schema-changes.ts'
import { loadDocuments } from '../../src/app/documents.ts'
import { readDoc } from '../harness/docs/docs.ts'

const released = fromSdl(readDoc('schema/released.graphql'))
const present = fromSdl(readDoc('schema/schema.graphql'))

describe('the schema', () => {
  test('breaks nothing of the released one that CHANGELOG.md does not declare', async () => {
    expect(await findUndeclared(released, present, readDoc('CHANGELOG.md'))).toEqual([])
  })

  test('fits every example, which are also trusted documents, and none selects a deprecated field', () => {
    expect(loadDocuments().length).toBeGreaterThan(4)
    expect(findInvalid(present, loadDocuments())).toEqual([])
  })
})

const BEFORE = /* GraphQL */ `
  interface Named { name: String }
  type Cat implements Named { name: String mood: Mood! age(in: Unit = YEARS): Int }
  type Dog { name: String }
  union Pet = Cat | Dog
  enum Mood { GOOD BAD }
  enum Unit { YEARS MONTHS }
  input By { id: ID }
  type Query { pet(by: By!): Pet cats: [Cat!] }
`

describe('a breaking change', () => {
  test.each([
    ['a removed field', 'mood: Mood!', '', 'Cat.mood'],
    ['a field that may be null now', 'mood: Mood!', 'mood: Mood', 'Cat.mood'],
    ['a field of another type', 'cats: [Cat!]', 'cats: [Dog!]', 'Query.cats'],
    ['a removed argument', '(in: Unit = YEARS)', '', 'Cat.age.in'],
    ['a new required argument', 'cats: [Cat!]', 'cats(first: Int!): [Cat!]', 'Query.cats.first'],
    ['a new required input field', 'id: ID }', 'id: ID! }', 'By.id'],
    ['a removed enum value', 'GOOD BAD', 'GOOD', 'Mood.BAD'],
    ['a removed union member', 'Cat | Dog', 'Cat', 'Pet'],
    ['a removed interface', 'Cat implements Named', 'Cat', 'Cat'],
    ['a removed type', 'union Pet = Cat | Dog', 'union Pet = Cat', 'Pet'],
  ])('is %s', async (_what, from, to, path) => {
    expect(BEFORE).toContain(from)
    const changes = await findBreakingChanges(fromSdl(BEFORE), fromSdl(BEFORE.replace(from, to)))
    expect(changes.map(change => change.path)).toContain(path)
  })

  test.each([
    ['a new field', 'mood: Mood!', 'mood: Mood! colour: String'],
    ['a new optional argument', 'cats: [Cat!]', 'cats(first: Int): [Cat!]'],
    ['a new enum value', 'GOOD BAD', 'GOOD BAD UNKNOWN'],
    ['a new member of a union', 'union Pet = Cat | Dog', 'type Bird { name: String } union Pet = Bird | Cat | Dog'],
    ['a field that is never null any more', 'name: String mood', 'name: String! mood'],
    ['a field that is deprecated', 'mood: Mood!', 'mood: Mood! @deprecated(reason: "It is always GOOD.")'],
  ])('is not %s', async (_what, from, to) => {
    expect(BEFORE).toContain(from)
    expect(await findBreakingChanges(fromSdl(BEFORE), fromSdl(BEFORE.replace(from, to)))).toEqual([])
  })

  test.each([
    ['a new enum value', 'GOOD BAD', 'GOOD BAD UNKNOWN', 'Mood.UNKNOWN'],
    [
      'a new member of a union',
      'union Pet = Cat | Dog',
      'type Bird { name: String } union Pet = Bird | Cat | Dog',
      'Pet.Bird',
    ],
    ['a new interface of a type', 'type Dog {', 'type Dog implements Named {', 'Dog.Named'],
    ['a changed default', 'Unit = YEARS', 'Unit = MONTHS', 'Cat.age.in'],
  ])('is declared as dangerous where it is %s', async (_what, from, to, path) => {
    const [released, present] = [fromSdl(BEFORE), fromSdl(BEFORE.replace(from, to))]
    expect(findDangerousChanges(released, present).map(change => change.path)).toEqual([path])
    const declared = changelog(`\n### Dangerous\n\n- \`${path}\`: new.\n`)
    expect((await findUndeclared(released, present, declared)).filter(text => text.includes('dangerous'))).toEqual([])
    expect(await findUndeclared(released, present, changelog(''))).toContainEqual(
      expect.stringMatching(/ is a dangerous change that CHANGELOG\.md does not declare: /),
    )
  })

  test('is not declared dangerous if it is an optional argument', () => {
    const present = fromSdl(BEFORE.replace('cats: [Cat!]', 'cats(first: Int): [Cat!]'))
    expect(findDangerousChanges(fromSdl(BEFORE), present)).toEqual([])
  })

  const after = fromSdl(BEFORE.replace('mood: Mood!', ''))
  const changelog = (breaking: string) => `# Changes\n\n## Unreleased\n\n- Cats.\n${breaking}\n## 1.0.0\n\n- Dogs.\n`

  test('is reported, unless the section of the next release declares it', async () => {
    expect(await findUndeclared(fromSdl(BEFORE), after, changelog(''))).toEqual([
      expect.stringMatching(/^Cat\.mood is a breaking change that CHANGELOG\.md does not declare: /),
    ])
    const declared = changelog('\n### Breaking\n\n- `Cat.mood`: gone; cats do not say.\n')
    expect(declaredUnder('Breaking', declared)).toEqual(['Cat.mood'])
    expect(await findUndeclared(fromSdl(BEFORE), after, declared)).toEqual([])
    const before = '# Changes\n\n## Unreleased\n\n## 1.0.0\n\n### Breaking\n\n- `Cat.mood`: gone.\n'
    expect(await findUndeclared(fromSdl(BEFORE), after, before)).toHaveLength(1)
  })

  test('is reported if it is declared without breaking anything', async () => {
    const declared = changelog('\n### Breaking\n\n- `Cat.mood`: gone; cats do not say.\n')
    expect(await findUndeclared(fromSdl(BEFORE), fromSdl(BEFORE), declared)).toEqual([
      'Cat.mood is declared as breaking in CHANGELOG.md, but is not a breaking change.',
    ])
  })

  test('is found in a document that selects a missing or a deprecated field', () => {
    const query = '{ cats { mood } }'
    expect(findInvalid(after, [{ name: 'moods', query }])).toEqual([
      expect.stringContaining('moods: Cannot query field "mood" on type "Cat".'),
    ])
    const deprecated = fromSdl(BEFORE.replace('mood: Mood!', 'mood: Mood! @deprecated(reason: "It is always GOOD.")'))
    expect(findInvalid(deprecated, [{ name: 'moods', query }])).toHaveLength(1)
  })
})
