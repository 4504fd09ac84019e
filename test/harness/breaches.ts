import type { Import, Source } from './imports.ts'
import { type Ban, IMPORT_BANS, ROOMS, type Room, USE_BANS } from './law.ts'

/** A sentence for each breach of the law in a file. */
export function breachesIn({ file, imports, uses, exportsDefault }: Source): string[] {
  const room = ROOMS.find(({ files }) => matches(files, file))
  if (!room) return [`${file} is in no room of the law.`]
  return [
    ...imports
      .filter(each => !mayImport(room, file, each))
      .map(({ to, kind }) => `${file} imports ${to} (${kind}): ${room.because}.`),
    ...bansOn(
      IMPORT_BANS,
      file,
      imports.map(({ to }) => to),
    ).map(([to, why]) => `${file} imports ${to}: ${why}.`),
    ...bansOn(USE_BANS, file, uses).map(([use, why]) => `${file} uses ${use}: ${why}.`),
    ...(exportsDefault ? [`${file} has a default export: an export has a name.`] : []),
  ]
}

function mayImport({ may, mayAsTypes = [], mayLazily = [] }: Room, file: string, { to, kind }: Import): boolean {
  const own = [...may, ...(kind === 'type' ? mayAsTypes : []), ...(kind === 'lazy' ? mayLazily : [])]
  const folder = file.slice(0, file.lastIndexOf('/'))
  const room = file.split('/', 2).join('/')
  return matches(
    own.map(pattern => pattern.replace('{own}', folder).replace('{room}', room)),
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

/** Names that say nothing of what is inside. */
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
