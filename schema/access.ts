import { type Caller, opensPerson, type Scope } from '../src/domain/caller.ts'
import { decodeGlobalId } from '../src/domain/global-id.ts'

/**
 * Who may select what: each field of each object has one decision here, made by the table of the nouns or by the folder
 * of the provider that it belongs to. A field without a decision stops the schema from being built. Which rows a client
 * token opens is decided in src/domain/caller.ts.
 */

/** What a field asks of who selects it, beyond what its parent proved. */
export interface Need {
  /** The key needs all of them. */
  readonly scopes: readonly Scope[]
  /** The key needs one of them; empty where none is needed. */
  readonly oneOf: readonly Scope[]
  /** True where a client token may select it too, within what it opens. */
  readonly clients: boolean
}

// biome-ignore lint/suspicious/noExplicitAny: the arguments of a field are those that the schema let through
type Args = any

/** A need that is always the same, or one that the arguments tell. */
export type Decision = Need | ((args: Args, caller: Caller) => Need)

/** Whoever was given the parent may select it. */
export const PARENT: Need = { scopes: [], oneOf: [], clients: true }
/** Any API key may select it, and no client token. */
export const KEY: Need = { ...PARENT, clients: false }

/** An API key with all of these scopes. */
export function scoped(...scopes: readonly Scope[]): Need {
  return { ...KEY, scopes }
}

/** An API key with one of these scopes. */
function anyOf(...oneOf: readonly Scope[]): Need {
  return { ...KEY, oneOf }
}

/** The same, and a client token. */
export function orClient(need: Need): Need {
  return { ...need, clients: true }
}

const decisions = new Map<string, Decision>()

/** Decides about fields of one type. Interfaces decide for the types that have their fields from them. */
export function decide(type: string, ...groups: readonly (readonly [Decision, readonly string[]])[]): void {
  for (const [decision, fields] of groups) {
    for (const field of fields) {
      const name = `${type}.${field}`
      if (decisions.has(name)) throw new Error(`${name} is decided about twice.`)
      decisions.set(name, decision)
    }
  }
}

/** The decision about a field of one of these types, the nearest first; undefined where there is none. */
export function decisionAbout(types: readonly string[], field: string): Decision | undefined {
  return types.map(type => decisions.get(`${type}.${field}`)).find(decision => decision !== undefined)
}

/** All that was decided about, as `Type.field`. */
export function decided(): ReadonlyMap<string, Decision> {
  return decisions
}

/** The scopes that the caller lacks, none where it may; undefined where no scope would help it. */
export function lacking(need: Need, caller: Caller): readonly Scope[] | undefined {
  if (caller.subject) return need.clients ? [] : undefined
  const missing = need.scopes.filter(scope => !caller.scopes.has(scope))
  const hasOne = need.oneOf.length === 0 || need.oneOf.some(scope => caller.scopes.has(scope))
  return hasOne ? missing : [...missing, ...need.oneOf]
}

const NODES: Readonly<Record<string, Need>> = {
  Applicant: scoped('applicants:read'),
  Attempt: scoped('sessions:read'),
  CreateOperation: anyOf(
    'sessions:read',
    'sessions:write',
    'applicants:read',
    'applicants:write',
    'customers:read',
    'customers:write',
  ),
  Customer: scoped('customers:read'),
  Session: orClient(scoped('sessions:read')),
}

/** What a record of this noun asks for; one that is no noun of ours is nobody's secret. */
export function needOfNoun(typename: string): Need {
  return Object.hasOwn(NODES, typename) ? (NODES[typename] ?? KEY) : KEY
}

/** What the records with these ids ask for, whether they are there or not. */
export function needOfIds(globalIds: readonly string[]): Need {
  const needs = globalIds.map(id => needOfNoun(decodeGlobalId(id)?.typename ?? ''))
  return {
    scopes: [...new Set(needs.flatMap(need => need.scopes))],
    oneOf: [...new Set(needs.flatMap(need => need.oneOf))],
    clients: needs.every(need => need.clients),
  }
}

/** What a person asks for: a key that reads anything, or the person's own token. */
export function needOfPerson({ externalId }: { readonly externalId: string }, { subject }: Caller): Need {
  const reader = anyOf('sessions:read', 'applicants:read', 'customers:read')
  return { ...reader, clients: opensPerson(subject, externalId) }
}

/** What entities ask for by the keys that another subgraph knows, whether they are there or not. */
export function needOfRepresentations(representations: readonly unknown[], caller: Caller): Need {
  const needs = representations.map(given => needOfRepresentation(given as Representation | null, caller))
  return {
    scopes: [...new Set(needs.flatMap(need => need.scopes))],
    oneOf: [...new Set(needs.flatMap(need => need.oneOf))],
    clients: needs.every(need => need.clients),
  }
}

/** As it came in: anything may be in it. */
interface Representation {
  readonly __typename?: unknown
  readonly externalId?: unknown
}

function needOfRepresentation(given: Representation | null, caller: Caller): Need {
  const { __typename: typename, externalId } = given ?? {}
  // What is no key of a person is a miss, which anybody may be told who may ask for some person.
  if (typename === 'Person')
    return needOfPerson({ externalId: typeof externalId === 'string' ? externalId : '' }, caller)
  return needOfNoun(typeof typename === 'string' ? typename : '')
}
