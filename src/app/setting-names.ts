import { distance } from 'fastest-levenshtein'

/** Names of environment variables that are probably misspelt settings. */

export interface NameProblems {
  /** Variables that begin with the name of a provider, and are not settings. */
  readonly unknown: readonly string[]
  /** Variables that are not settings and differ little from one. Other programs read the same environment. */
  readonly similar: readonly string[]
}

/** One line for each variable. `prefixes` are the names of the providers. */
export function findMisspeltSettings(
  names: readonly string[],
  settings: readonly string[],
  prefixes: readonly string[],
): NameProblems {
  const known = new Set(settings)
  const others = names.filter(name => !known.has(name))
  const isOurs = (name: string) => prefixes.some(prefix => name.toUpperCase().startsWith(`${prefix}_`))
  const suggestion = (name: string) => {
    const similar = findSimilar(name, settings)
    return similar ? ` Did you mean ${similar}?` : ''
  }
  return {
    unknown: others.filter(isOurs).map(name => `${name}: Unknown setting.${suggestion(name)}`),
    similar: others
      .filter(name => !isOurs(name) && findSimilar(name, settings))
      .map(name => `${name}: Unknown setting.${suggestion(name)}`),
  }
}

/** Shorter names are similar by chance, such as HOME and HOST. */
const SHORTEST = 7

function findSimilar(name: string, settings: readonly string[]): string | undefined {
  const plain = normalize(name)
  const same = settings.find(setting => normalize(setting) === plain)
  if (same || plain.length < SHORTEST) return same
  return settings.find(setting => setting.length >= SHORTEST && distance(normalize(setting), plain) <= maxEdits(plain))
}

function maxEdits(name: string): number {
  return name.length < 10 ? 1 : 2
}

function normalize(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '')
}
