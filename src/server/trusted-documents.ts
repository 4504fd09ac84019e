import { createHash } from 'node:crypto'

/** Documents that the operator knows, by the sha-256 of their text. */
export interface TrustedDocuments {
  find(id: string): string | undefined
  has(text: string): boolean
  /** The id that a document has, or would have. */
  idOf(text: string): string
}

export function createTrustedDocuments(texts: readonly string[]): TrustedDocuments {
  const byId = new Map(texts.map(text => [hash(text), text]))
  return {
    find: id => byId.get(id.toLowerCase().replace(/^sha256:/, '')),
    has: text => byId.has(hash(text)),
    idOf: hash,
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}
