import { AREAS, type Area, type Ban, IMPORT_BANS, USE_BANS } from './import-rules.ts'
import type { Import, Source } from './imports.ts'

/** One message for each violated import rule. */
export function violationsIn({ file, imports, uses, exportsDefault }: Source): string[] {
  const area = AREAS.find(({ files }) => matches(files, file))
  if (!area) return [`${file} is in no area of test/harness/rules/import-rules.ts.`]
  return [
    ...imports
      .filter(each => !mayImport(area, file, each))
      .map(({ to, kind }) => `${file} imports ${to} (${kind}): ${area.because}.`),
    ...bansOn(
      IMPORT_BANS,
      file,
      imports.map(({ to }) => to),
    ).map(([to, why]) => `${file} imports ${to}: ${why}.`),
    ...bansOn(USE_BANS, file, uses).map(([use, why]) => `${file} uses ${use}: ${why}.`),
    ...(exportsDefault && !file.endsWith('.d.ts') ? [`${file} has a default export: an export has a name.`] : []),
  ]
}

function mayImport({ may, mayAsTypes = [], mayLazily = [] }: Area, file: string, { to, kind }: Import): boolean {
  const own = [...may, ...(kind === 'type' ? mayAsTypes : []), ...(kind === 'lazy' ? mayLazily : [])]
  const folder = file.slice(0, file.lastIndexOf('/'))
  const area = file.split('/', 2).join('/')
  return matches(
    own.map(pattern => pattern.replace('{own}', folder).replace('{area}', area)),
    to,
  )
}

function bansOn(bans: readonly Ban[], file: string, found: readonly string[]): [string, string][] {
  return bans
    .filter(({ butIn }) => !matches(butIn, file))
    .flatMap(({ what, because }) =>
      found.filter(each => matches(what, each)).map((each): [string, string] => [each, because]),
    )
}

/** File names that do not describe their content. */
export function isVague(file: string): boolean {
  return file.split('/').some(name => /^(utils?|helpers?|common)(\.|$)/i.test(name))
}

function matches(patterns: readonly string[], text: string): boolean {
  return patterns.some(pattern => toRegExp(pattern).test(text))
}

function toRegExp(pattern: string): RegExp {
  const source = pattern.replaceAll('.', '\\.').replaceAll('**', '\0').replaceAll('*', '[^/]*').replaceAll('\0', '.*')
  return new RegExp(`^${source}$`)
}
