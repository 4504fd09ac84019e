/**
 * The texts that may be ids in a delivery that cannot be read. Tombstones are hashes, so every candidate is hashed and
 * compared: the quoted texts, and the words inside and outside of them.
 */
export function findNames(text: string): Set<string> {
  const quoted = findQuoted(text)
  const names = new Set(quoted)
  for (const part of [text, ...quoted]) {
    for (const word of [part, decodeUrl(part)].flatMap(each => WORDS.flatMap(pattern => each.match(pattern) ?? [])))
      names.add(word).add(word.replace(PUNCTUATION, ''))
  }
  return names
}

/** The JSON strings in a text, also in one that is not JSON. */
export function findQuoted(text: string): string[] {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"/gs)].flatMap(([json]) => parseString(json))
}

/** From wide to narrow: an id may contain the characters that separate others. */
const WORDS: readonly RegExp[] = [/[^\s"'<>(){}[\],;\\]+/g, /[^\s"'<>(){}[\],;\\&=?#/]+/g, /[\w-]+/g, /\w+/g]

/** At the end of a word in prose. */
const PUNCTUATION = /[.:!?]+$/

function parseString(json: string): string[] {
  try {
    return [JSON.parse(json)]
  } catch {
    return [json.slice(1, -1)]
  }
}

function decodeUrl(text: string): string {
  try {
    return text.includes('%') ? decodeURIComponent(text.replaceAll('+', ' ')) : text
  } catch {
    return text
  }
}
