/** Our id as clients see it: opaque, and unique over all nouns. */
export function encodeGlobalId(typename: string, id: string): string {
  return Buffer.from(`${typename}:${id}`, 'utf8').toString('base64url')
}

/** The noun and the stored id of a client's id; undefined where it is none of ours. */
export function decodeGlobalId(globalId: string): { typename: string; id: string } | undefined {
  const match = /^([A-Z][A-Za-z]{0,39}):([0-9A-Za-z-]{1,64})$/.exec(
    Buffer.from(globalId, 'base64url').toString('latin1'),
  )
  return match?.[1] && match[2] ? { typename: match[1], id: match[2] } : undefined
}
