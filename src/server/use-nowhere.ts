import type { Plugin } from 'graphql-yoga'
import { refuse, toRefusalResponse } from './refusal.ts'

/** Answers for every address that is none of ours. Stands after all that have one. */
export function useNowhere(graphqlPath: string): Plugin {
  return {
    onRequest: ({ url, endResponse, fetchAPI }) => {
      if (url.pathname !== graphqlPath) endResponse(toRefusalResponse(nowhere(), undefined, fetchAPI))
    },
  }
}

function nowhere() {
  return refuse('NOT_FOUND', 'There is nothing at this address.', { status: 404 })
}
