import type { Plugin } from 'graphql-yoga'
import { documentIdOf, type Params } from './params.ts'
import { badRequest, refuse } from './refusal.ts'
import type { TrustedDocuments } from './trusted-documents.ts'

/** OFF: any document. WARN: any, and the log tells of those that nobody registered. ENFORCE: registered ones alone. */
export type TrustedDocumentsMode = 'off' | 'warn' | 'enforce'

export interface TrustedDocumentsOptions {
  readonly mode: TrustedDocumentsMode
  readonly documents: TrustedDocuments
  /** Told the id of each document that would be refused. */
  readonly warn: (documentId: string) => void
}

/** A document may be named by its hash instead of being sent. Nobody registers one by sending it. */
export function useTrustedDocuments({ mode, documents, warn }: TrustedDocumentsOptions): Plugin {
  return {
    onParams: ({ params, setParams }) => {
      const { documentId, ...sent }: Params = params
      const id = documentIdOf(params)
      const named = id === undefined ? undefined : documents.find(id)
      if (sent.query === undefined && named === undefined)
        throw notTrusted('There is no registered document of this id.')
      if (sent.query !== undefined && named !== undefined && named !== sent.query) {
        throw badRequest('Expected the document that its id names, or one of both alone.')
      }
      if (named === undefined && mode !== 'off' && !documents.has(sent.query ?? '')) {
        if (mode === 'enforce') throw notTrusted('Only registered documents are taken here.')
        warn(documents.idOf(sent.query ?? ''))
      }
      setParams({ ...sent, query: sent.query ?? named })
    },
  }
}

function notTrusted(message: string) {
  return refuse('DOCUMENT_NOT_TRUSTED', message, { status: 400 })
}
