/**
 * The texts that may be ids in a delivery that cannot be read. Tombstones are hashes, so every candidate is hashed and
 * compared: the quoted texts, and the words inside and outside of them.
 */
export function findNames(text: string): Set<string> {
  const quoted = findQuoted(text)
  const names = new Set(quoted)
  for (const part of [text, ...quoted]) {
    for (const word of [part, decodeUrl(part)].flatMap(each => WORDS.flatMap(pattern => each.match(pattern) ?? [])))
      names.add(word).add(withoutPunctuation(word))
  }
  return names
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
