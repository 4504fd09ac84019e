import type { SendOutcome } from '../domain/errors.ts'

/**
 * The meaning of an HTTP error status for a create. A status is in this table if RFC 9110, a related RFC or the provider's
 * documentation guarantees that nothing was created. Every other status leaves the create UNCERTAIN, so that recovery
 * searches for it before anything is sent again. Less obvious ones:
 *
 * | status | why it is uncertain |
 * |---|---|
 * | 1xx | says nothing about the end of the request |
 * | 2xx without a complete body, such as 204 and 206 | it succeeded, but the record is not in the response |
 * | 3xx | 303 follows a POST that was carried out; behind a proxy or a login page the others can, too |
 * | 406 | frameworks detect after executing the request that they cannot serialize the response |
 * | 408, 425 | a proxy may have forwarded the request |
 * | 409 with an Idempotency-Key | the first request with this key may still be in progress |
 * | unregistered 4xx, such as 460 and 499 | load balancers use them for broken connections |
 * | 5xx and above | it failed at an unknown point |
 */
const NOTHING_MADE: ReadonlyMap<number, string> = new Map([
  [400, 'the request is malformed'],
  [401, 'the credentials are rejected'],
  [402, 'the account has to pay first'],
  [403, 'the account lacks the permission'],
  [404, 'no resource has this path'],
  [405, 'the resource does not support the method'],
  [407, 'a proxy rejects the credentials'],
  [409, 'the request conflicts with the existing state'],
  [410, 'the resource or the account is gone'],
  [411, 'the length is missing'],
  [412, 'a condition does not hold'],
  [413, 'the body is too large'],
  [414, 'the path is too long'],
  [415, 'the body has another type'],
  [416, 'a range cannot be served'],
  [417, 'an expectation cannot be met'],
  [418, 'the request is always rejected'],
  [421, 'the request came to the wrong host'],
  [422, 'the input is rejected'],
  [423, 'the resource is locked'],
  [424, 'a dependency was rejected'],
  [426, 'another protocol is required'],
  [428, 'a condition is required'],
  [429, 'too many requests'],
  [431, 'the headers are too long'],
  [451, 'unavailable for legal reasons'],
])

/** `hasKey`: the request had an Idempotency-Key. */
export function outcomeOf(status: number, hasKey: boolean): SendOutcome {
  if (status === 409 && hasKey) return 'UNCERTAIN'
  return NOTHING_MADE.has(status) ? 'REFUSED' : 'UNCERTAIN'
}
