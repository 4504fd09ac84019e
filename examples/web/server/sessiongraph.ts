import { print } from '@0no-co/graphql.web'
import type { TadaDocumentNode } from 'gql.tada'

/** The URL of the API, and the key that only the server side may have. */
export interface Access {
  readonly url: string
  readonly apiKey: string
}

/** The error that the caller receives; the code is one of docs/reference/errors.md. */
export class Refused extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

export async function ask<Result, Variables>(
  { url, apiKey }: Access,
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: print(document), variables }),
  }).catch(() => {
    throw new Refused('UNREACHABLE', 'sessiongraph cannot be reached.')
  })
  const { data, errors } = await response.json()
  if (errors?.[0]) throw new Refused(errors[0].extensions.code, errors[0].message)
  return data
}
