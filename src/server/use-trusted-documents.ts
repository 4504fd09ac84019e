import type { Plugin } from 'graphql-yoga'
import type { TrustDocument } from './trusted-documents.ts'

/** A document may be named by its hash instead of being sent. Nobody registers one by sending it. */
export function useTrustedDocuments(trust: TrustDocument, warn: (documentId: string) => void): Plugin {
  return {
    onParams: ({ params, setParams }) => {
      const trusted = trust(params)
      if (trusted.unregistered) warn(trusted.unregistered)
      setParams(trusted.params)
    },
  }
}
