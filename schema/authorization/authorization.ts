import { type Caller, canAccessPerson, type Scope } from '../../src/domain/access/caller.ts'
import { decodeGlobalId } from '../../src/domain/global-id.ts'
import { type Person, type PersonKey, toPerson } from '../../src/domain/records/person.ts'

/**
 * Field authorization. Each field of each object type has one rule, from rules.ts or from the folder of its provider. The
 * schema build fails for a field without a rule. src/domain/access/caller.ts decides which rows a client token can access.
 */

/** The permissions that a field requires, in addition to those of its parent. */
export interface Requirement {
  /** The key must have all of them. */
  readonly scopes: readonly Scope[]
  /** The key must have at least one scope of each group. */
  readonly oneOf: readonly (readonly Scope[])[]
  /**
   * True where a client token may also select the field, for the rows that it can access. OF_KEY: a token whose key meets the
   * requirement.
   */
  readonly clients: boolean | 'OF_KEY'
}

// biome-ignore lint/suspicious/noExplicitAny: GraphQL has validated the arguments
type Args = any

/** A requirement that depends on the arguments, with the sentence that describes it in the schema. */
export interface RuleByArguments {
  requirementOf(args: Args, caller: Caller): Requirement
  readonly description: string
}

export type Rule = Requirement | RuleByArguments

/** No requirement beyond that of the parent. */
export const INHERIT: Requirement = { scopes: [], oneOf: [], clients: true }
/** Any API key, but no client token. */
export const ANY_API_KEY: Requirement = { ...INHERIT, clients: false }
/** A score that the provider gave the end user, who would learn from it what to change at the next attempt. */
export const SCORE = ANY_API_KEY

/** An API key with all of these scopes. */
export function scoped(...scopes: readonly Scope[]): Requirement {
  return { ...ANY_API_KEY, scopes }
}

/** An API key with one of these scopes. */
function anyOf(...oneOf: readonly Scope[]): Requirement {
  return { ...ANY_API_KEY, oneOf: [oneOf] }
}

/** The same requirement, or a client token. */
export function orClientToken(need: Requirement): Requirement {
  return { ...need, clients: true }
}

/** The same requirement, also of the key that created a client token. */
export function orTokenOfKey(need: Requirement): Requirement {
  return { ...need, clients: 'OF_KEY' }
}

const rules = new Map<string, Rule>()

/** Sets the rules of fields of one type. The rule of an interface field applies to the types that inherit the field. */
export function defineRule(type: string, ...groups: readonly (readonly [Rule, readonly string[]])[]): void {
  for (const [decision, fields] of groups) {
    for (const field of fields) {
      const name = `${type}.${field}`
      if (rules.has(name)) throw new Error(`${name} has two authorization rules.`)
      rules.set(name, decision)
    }
  }
}

/** The first rule for the field in these types, the most specific type first. Undefined where there is none. */
export function ruleAbout(types: readonly string[], field: string): Rule | undefined {
  return types.map(type => rules.get(`${type}.${field}`)).find(decision => decision !== undefined)
}

/** All rules by `Type.field`. */
export function ruleFor(): ReadonlyMap<string, Rule> {
  return rules
}

export function dependsOnArguments(rule: Rule): rule is RuleByArguments {
  return 'requirementOf' in rule
}

/** The sentence about the requirement in the field's description; null where the field requires nothing of its own. */
export function describeRule(rule: Rule): string | null {
  if (dependsOnArguments(rule)) return rule.description
  const { scopes, oneOf, clients } = rule
  const names = [...scopes, ...oneOf.flat()].map(scope => `\`${scope}\``)
  if (names.length === 0) return clients ? null : 'Requires an API key.'
  const kind = names.length === 1 ? 'scope' : oneOf.length > 0 ? 'one of the scopes' : 'the scopes'
  return `Requires ${kind} ${names.join(', ')}${clients ? CLIENTS[String(clients)] : ''}.`
}

const CLIENTS: Readonly<Record<string, string>> = {
  true: ', or a client token',
  OF_KEY: ', or a client token of a key with it',
}

/** The missing scopes: none where access is granted; undefined where no scope grants access. */
export function missingScopes(need: Requirement, caller: Caller): readonly Scope[] | undefined {
  if (!caller.subject) return missingOf(need, caller.scopes)
  const isGranted = need.clients === 'OF_KEY' ? missingOf(need, caller.keyScopes ?? NONE).length === 0 : need.clients
  return isGranted ? [] : undefined
}

const NONE: ReadonlySet<Scope> = new Set()

function missingOf({ scopes, oneOf }: Requirement, held: ReadonlySet<Scope>): readonly Scope[] {
  if (oneOf.length === 0 && scopes.every(scope => held.has(scope))) return []
  const missing = scopes.filter(scope => !held.has(scope))
  const missingGroups = oneOf.filter(group => !group.some(scope => held.has(scope)))
  return [...new Set([...missing, ...missingGroups.flat()])]
}

const NODES: Readonly<Record<string, Requirement>> = {
  Applicant: scoped('applicants:read'),
  Attempt: scoped('sessions:read'),
  ProviderOperation: anyOf(
    'sessions:read',
    'sessions:write',
    'applicants:read',
    'applicants:write',
    'customers:read',
    'customers:write',
  ),
  Customer: scoped('customers:read'),
  Session: orClientToken(scoped('sessions:read')),
}

/** The requirement of a record type. An unknown type is a miss, which any API key may see. */
export function requirementOfRecord(typename: string): Requirement {
  return Object.hasOwn(NODES, typename) ? (NODES[typename] ?? ANY_API_KEY) : ANY_API_KEY
}

/** The combined requirement of these ids, whether or not their records exist. */
export function requirementOfIds(globalIds: readonly string[], caller: Caller): Requirement {
  return combine(globalIds.map(id => requirementOfId(id, caller)))
}

function requirementOfId(globalId: string, caller: Caller): Requirement {
  const { typename = '', id = '' } = decodeGlobalId(globalId) ?? {}
  return typename === 'Person' ? requirementOfPerson({ externalId: id }, caller) : requirementOfRecord(typename)
}

function combine(needs: readonly Requirement[]): Requirement {
  return {
    scopes: [...new Set(needs.flatMap(need => need.scopes))],
    oneOf: [...new Set(needs.flatMap(need => need.oneOf))],
    clients: needs.every(need => need.clients === true),
  }
}

/** Any scope that reads records of persons. */
export const READS_PERSONS = anyOf('sessions:read', 'applicants:read', 'customers:read')

/** A person requires a key with any read scope, or the person's own client token. */
export function requirementOfPerson({ externalId }: Person, { subject }: Caller): Requirement {
  return { ...READS_PERSONS, clients: canAccessPerson(subject, externalId) }
}

/** The combined requirement of these entity representations, whether or not the entities exist. */
export function requirementOfRepresentations(representations: readonly unknown[], caller: Caller): Requirement {
  return combine(representations.map(given => requirementOfRepresentation(given as Representation | null, caller)))
}

/** Unvalidated input. */
interface Representation extends PersonKey {
  readonly __typename?: unknown
}

function requirementOfRepresentation(given: Representation | null, caller: Caller): Requirement {
  const { __typename: typename, ...key } = given ?? {}
  // An invalid key of a person is a miss, which any key that may read persons may see.
  if (typename === 'Person') return requirementOfPerson(toPerson(key) ?? { externalId: '' }, caller)
  return requirementOfRecord(typeof typename === 'string' ? typename : '')
}
