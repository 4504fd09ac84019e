/**
 * The texts that may be ids in a delivery that cannot be read. Tombstones are hashes, so every candidate is hashed and
 * compared: the quoted texts, and the words inside and outside of them.
 */
export function findNames(text: string): Set<string> {
  const quoted = findValues(text)
  const names = new Set(quoted)
  for (const part of [text, ...quoted]) {
    for (const word of [part, decodeUrl(part)].flatMap(each => WORDS.flatMap(pattern => each.match(pattern) ?? [])))
      for (const name of [word, withoutPunctuation(word)]) if (isDistinct(name)) names.add(name)
  }
  return names
}

/** A shorter text is a part of others by chance, so it is a name only where it is a whole value. */
const DISTINCT_LENGTH = 8

export function isDistinct(name: string): boolean {
  return name.length >= DISTINCT_LENGTH
}

/** The whole values of a text: JSON strings, also in JSON strings, and the fields of a form. */
function findValues(text: string): string[] {
  const quoted = findQuoted(text)
  const fields = /^[^\s"{}<>=]+=[^\s"{}<>]*$/.test(text) ? [...new URLSearchParams(text).values()] : []
  return [...quoted, ...quoted.flatMap(findQuoted), ...fields]
}

/** The JSON strings in a text, also in one that is not JSON. A string that does not end takes the rest of the text. */
export function findQuoted(text: string): string[] {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*(?:"|\\?$)/gs)].flatMap(([json]) => parseString(json))
}

/** From wide to narrow: an id may contain the characters that separate others. */
const WORDS: readonly RegExp[] = [/[^\s"'<>(){}[\],;\\]+/g, /[^\s"'<>(){}[\],;\\&=?#/]+/g, /[\w-]+/g, /\w+/g]

/** Without what stands at the end of a word in prose. */
function withoutPunctuation(word: string): string {
  let end = word.length
  while (end > 0 && '.:!?'.includes(word.charAt(end - 1))) end--
  return word.slice(0, end)
}

function parseString(json: string): string[] {
  try {
    return [JSON.parse(json)]
  } catch {
    return [json.slice(1, json.length > 1 && json.endsWith('"') ? -1 : undefined)]
  }
}

function decodeUrl(text: string): string {
  try {
    return text.includes('%') ? decodeURIComponent(text.replaceAll('+', ' ')) : text
  } catch {
    return text
  }
}
