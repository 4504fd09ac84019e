import { DomainError } from '../domain/errors.ts'

/** The query parameters and fields of the admin API. A misspelt filter is refused, because its answer would look like a filtered one. */

/** Throws BAD_REQUEST for a parameter that the route does not have. */
export function assertParameters(search: URLSearchParams, known: readonly string[]): void {
  const unknown = [...new Set(search.keys())].filter(name => !known.includes(name))
  if (unknown.length === 0) return
  const expected = known.length === 0 ? 'no parameters' : `only the parameters ${known.join(', ')}`
  throw new DomainError('BAD_REQUEST', `Expected ${expected}; unknown: ${unknown.map(cut).join(', ')}.`)
}

/** Throws BAD_REQUEST for a field of a JSON body that the route does not have. */
export function assertFields(body: unknown, known: readonly string[]): void {
  const unknown = Object.keys(typeof body === 'object' && body !== null ? body : {}).filter(
    name => !known.includes(name),
  )
  if (unknown.length === 0) return
  const expected = known.length === 0 ? 'no fields' : `only the fields ${known.join(', ')}`
  throw new DomainError('BAD_REQUEST', `Expected ${expected}; unknown: ${unknown.map(cut).join(', ')}.`)
}

/** Undefined without a value. Throws BAD_REQUEST for a value that is none of `values`. */
export function readChoice<Value extends string>(
  search: URLSearchParams,
  name: string,
  values: readonly Value[],
): Value | undefined {
  const given = search.get(name)
  if (!given) return undefined
  const value = values.find(known => known === given)
  if (value === undefined)
    throw new DomainError('BAD_REQUEST', `Expected ${name} to be one of ${values.join(', ')}; it is ${cut(given)}.`)
  return value
}

/** The start of a day in UTC. Undefined without a value. Throws BAD_REQUEST for what is no day. */
export function readDay(search: URLSearchParams, name: string): Date | undefined {
  const given = search.get(name)
  if (!given) return undefined
  const at = /^\d{4}-\d{2}-\d{2}$/.test(given) ? Date.parse(`${given}T00:00:00Z`) : Number.NaN
  if (Number.isNaN(at)) throw new DomainError('BAD_REQUEST', `Expected ${name} to be a day such as 2027-01-31.`)
  return new Date(at)
}

const MAX_SHOWN = 40

function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
