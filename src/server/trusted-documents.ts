import { createHash } from 'node:crypto'
import { documentIdOf, type Params } from './params.ts'
import { badRequest, refuse } from './refusal.ts'

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

/** OFF: any document. WARN: any, and the log tells of those that nobody registered. ENFORCE: registered ones alone. */
export type TrustedDocumentsMode = 'off' | 'warn' | 'enforce'

export interface TrustedDocumentsOptions {
  readonly mode: TrustedDocumentsMode
  readonly documents: TrustedDocuments
  /** Told the id of each document that would be refused. */
  readonly warn: (documentId: string) => void
}

/** Parameters with the text of their document. */
export interface TrustedParams {
  readonly params: Params
  /** The id of a document that nobody registered, where that is to be told. */
  readonly unregistered?: string
}

/** Finds the document that is meant. Throws the refusal where it may not be asked. */
export type TrustDocument = (params: Params) => TrustedParams

export function createTrust({ mode, documents }: Pick<TrustedDocumentsOptions, 'mode' | 'documents'>): TrustDocument {
  return params => {
    const { documentId, ...sent } = params
    const id = documentIdOf(params)
    const named = id === undefined ? undefined : documents.find(id)
    if (sent.query === undefined && named === undefined) throw notTrusted('There is no registered document of this id.')
    if (sent.query !== undefined && named !== undefined && named !== sent.query) {
      throw badRequest('Expected the document that its id names, or one of both alone.')
    }
    const query = sent.query ?? named ?? ''
    const trusted = { params: { ...sent, query } }
    if (mode === 'off' || named !== undefined || documents.has(query)) return trusted
    if (mode === 'enforce') throw notTrusted('Only registered documents are taken here.')
    return { ...trusted, unregistered: documents.idOf(query) }
  }
}

function notTrusted(message: string) {
  return refuse('DOCUMENT_NOT_TRUSTED', message, { status: 400 })
}
