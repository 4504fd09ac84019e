import { createHash } from 'node:crypto'
import { badRequest, httpError } from '../errors/http-error.ts'
import { documentIdOf, type Params } from '../request/graphql-params.ts'

/** The documents that the operator registered, by the SHA-256 of their text. */
export interface TrustedDocuments {
  find(id: string): string | undefined
  has(text: string): boolean
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

/** off: any document. warn: any, and each unregistered one is logged. enforce: registered documents only. */
export type TrustedDocumentsMode = 'off' | 'warn' | 'enforce'

export interface TrustedDocumentsOptions {
  readonly mode: TrustedDocumentsMode
  readonly documents: TrustedDocuments
  /** Gets the id of each unregistered document. */
  readonly warn: (documentId: string) => void
}

export interface TrustedParams {
  readonly params: Params
  /** The id of an unregistered document, to be logged. */
  readonly unregistered?: string
}

/** Replaces a document id by its text. Throws an HTTP error if the document is not allowed. */
export type ResolveTrustedDocument = (params: Params) => TrustedParams

export function createTrustedDocumentResolver({
  mode,
  documents,
}: Pick<TrustedDocumentsOptions, 'mode' | 'documents'>): ResolveTrustedDocument {
  return params => {
    const { documentId, ...sent } = params
    const id = documentIdOf(params)
    const named = id === undefined ? undefined : documents.find(id)
    if (sent.query === undefined && named === undefined) {
      throw mode !== 'enforce' && documentId === undefined
        ? persistedQueryNotSupported()
        : notTrusted('No registered document has this id. Send the SHA-256 of the text of a registered one.')
    }
    if (sent.query !== undefined && named !== undefined && named !== sent.query) {
      throw badRequest('Expected a document that matches its id, or only one of the two.')
    }
    const query = sent.query ?? named ?? ''
    const trusted = { params: { ...sent, query } }
    if (mode === 'off' || named !== undefined || documents.has(query)) return trusted
    if (mode === 'enforce')
      throw notTrusted(
        'This server only accepts registered documents. Register this one in the folder of TRUSTED_DOCUMENTS_DIR.',
      )
    return { ...trusted, unregistered: documents.idOf(query) }
  }
}

/** The message and the status are those that clients of automatic persisted queries look for: they then send the text. */
function persistedQueryNotSupported() {
  return httpError('PERSISTED_QUERY_NOT_SUPPORTED', 'PersistedQueryNotSupported', { status: 200 })
}

function notTrusted(message: string) {
  return httpError('DOCUMENT_NOT_TRUSTED', message, { status: 400 })
}
