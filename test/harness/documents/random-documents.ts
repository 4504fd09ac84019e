import {
  type GraphQLArgument,
  type GraphQLEnumType,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql'

/** A document with several sets of variables. */
export interface RandomDocument {
  readonly query: string
  readonly variables: readonly Record<string, unknown>[]
}

export interface Vocabulary {
  readonly schema: GraphQLSchema
  /** Meaningful values by the name of the argument or input field, and by scalar type for all others. */
  readonly values: Readonly<Record<string, readonly unknown[]>>
  /** Fields that are never selected, as `Type.field`. */
  readonly unselected: ReadonlySet<string>
  /** Names of fields that have not the same type everywhere. */
  readonly shared: ReadonlySet<string>
}

/** Names of fields that have not the same type everywhere, which two members of a union may not both select. */
export function sharedFields(schema: GraphQLSchema): ReadonlySet<string> {
  const types = new Map<string, Set<string>>()
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) && !isInterfaceType(type)) continue
    for (const field of Object.values(type.getFields())) {
      types.set(field.name, (types.get(field.name) ?? new Set()).add(String(field.type)))
    }
  }
  return new Set([...types].filter(([, each]) => each.size > 1).map(([name]) => name))
}

/**
 * Random documents with repeated fragments, merged keys, @skip and @include on all selections, and variables everywhere:
 * omitted, null or given. Nearly all of them are valid.
 */
export function randomDocument(vocabulary: Vocabulary, random: () => number, uses: number): RandomDocument {
  const writer = new Writer(vocabulary, random)
  const query = writer.document()
  return { query, variables: Array.from({ length: uses }, () => writer.variablesOfOneUse()) }
}

const MOST_NESTED = 3
const MOST_FRAGMENTS = 4

interface Variable {
  readonly key: string
  readonly type: GraphQLInputType
  /** The name of the argument or input field. */
  readonly name: string
  readonly isNonNull: boolean
  readonly byDefault: string | undefined
}

class Writer {
  readonly #vocabulary: Vocabulary
  readonly #random: () => number
  readonly #variables: Variable[] = []
  readonly #fragments: { readonly name: string; readonly on: string; readonly text: string }[] = []

  constructor(vocabulary: Vocabulary, random: () => number) {
    this.#vocabulary = vocabulary
    this.#random = random
  }

  document(): string {
    const root = this.#selections(this.#vocabulary.schema.getQueryType() as GraphQLNamedType, 0)
    const fragments = this.#fragments.map(({ name, on, text }) => `fragment ${name} on ${on} ${text}`)
    const heads = this.#variables.map(({ key, type, isNonNull, byDefault }) => {
      const written = `${getNullableType(type)}${isNonNull ? '!' : ''}`
      return `$${key}: ${written}${byDefault === undefined ? '' : ` = ${byDefault}`}`
    })
    return [`query R${heads.length > 0 ? `(${heads.join(', ')})` : ''} ${root}`, ...fragments].join('\n')
  }

  variablesOfOneUse(): Record<string, unknown> {
    const given: Record<string, unknown> = {}
    for (const { key, type, name, isNonNull, byDefault } of this.#variables) {
      const isOptional = !isNonNull || byDefault !== undefined
      if (this.#chance(isOptional ? 0.3 : 0.004)) continue
      given[key] = this.#chance(isNonNull ? 0.004 : 0.2) ? null : this.#json(getNullableType(type), name)
    }
    return given
  }

  #chance(share: number): boolean {
    return this.#random() < share
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T
  }

  #times<T>(most: number, make: () => T): T[] {
    return Array.from({ length: Math.floor(this.#random() * (most + 1)) }, make)
  }

  #selections(type: GraphQLNamedType, depth: number): string {
    const chosen = [
      this.#selection(type, depth),
      ...this.#times(depth === 0 ? 1 : 2, () => this.#selection(type, depth)),
    ]
    // A duplicate, which is merged with the first one.
    if (this.#chance(0.15)) chosen.push(this.#pick(chosen))
    if (this.#chance(0.2)) chosen.push('__typename')
    return `{ ${chosen.join(' ')} }`
  }

  #selection(type: GraphQLNamedType, depth: number): string {
    const { schema } = this.#vocabulary
    const kind = this.#random()
    if (isUnionType(type) || (isInterfaceType(type) && kind < 0.6)) {
      return this.#fragment(this.#pick(schema.getPossibleTypes(type)), depth)
    }
    if (kind < 0.12) return this.#fragment(type, depth)
    if (kind < 0.18 && isObjectType(type)) {
      const wider = Object.values(schema.getTypeMap()).filter(
        each => isAbstractType(each) && schema.isSubType(each, type),
      )
      if (wider.length > 0) return this.#fragment(this.#pick(wider), depth)
    }
    return this.#field(type, depth)
  }

  #fragment(on: GraphQLNamedType, depth: number): string {
    const known = this.#fragments.filter(each => each.on === on.name)
    if (known.length > 0 && this.#chance(0.5)) return `...${this.#pick(known).name}${this.#conditions()}`
    const text = this.#selections(on, depth + 1)
    if (this.#fragments.length >= MOST_FRAGMENTS || this.#chance(0.6))
      return `... on ${on.name}${this.#conditions()} ${text}`
    // The name is assigned after its text is written, so that a fragment cannot spread itself.
    const name = `F${this.#fragments.length}`
    this.#fragments.push({ name, on: on.name, text })
    return `...${name}${this.#conditions()}`
  }

  #field(type: GraphQLNamedType, depth: number): string {
    if (isUnionType(type) || this.#chance(0.06))
      return `${this.#chance(0.3) ? 'type_name: ' : ''}__typename${this.#conditions()}`
    const all = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : []
    const fields = all.filter(each => this.#isOffered(type, each, depth))
    if (fields.length === 0) return '__typename'
    const field = this.#pick(fields)
    const given = field.args.flatMap(each => this.#argument(each))
    const args = given.length > 0 ? `(${given.join(', ')})` : ''
    const below = isLeafType(getNamedType(field.type))
      ? ''
      : ` ${this.#selections(getNamedType(field.type), depth + 1)}`
    return `${this.#alias(type, field.name, args)}${field.name}${args}${this.#conditions()}${below}`
  }

  #isOffered(parent: GraphQLNamedType, { name, type }: GraphQLField<unknown, unknown>, depth: number): boolean {
    if (this.#vocabulary.unselected.has(`${parent.name}.${name}`)) return false
    return isLeafType(getNamedType(type)) || depth < MOST_NESTED
  }

  /** Equal keys have equal fields and arguments, so that they can be merged. */
  #alias(parent: GraphQLNamedType, field: string, args: string): string {
    const more = `${this.#vocabulary.shared.has(field) ? `_${parent.name}` : ''}${args === '' ? '' : `_${digest(args)}`}`
    if (more) return `${field}${more}: `
    return this.#chance(0.05) ? `also_${field}: ` : ''
  }

  #conditions(): string {
    const include = this.#chance(0.14) ? ` @include(if: ${this.#condition()})` : ''
    const skip = this.#chance(0.1) ? ` @skip(if: ${this.#condition()})` : ''
    return this.#chance(0.5) ? include + skip : skip + include
  }

  #condition(): string {
    const boolean = this.#vocabulary.schema.getType('Boolean') as GraphQLInputType
    return this.#chance(0.4) ? String(this.#chance(0.7)) : this.#variable(boolean, 'is', true)
  }

  #argument({ type, name, defaultValue }: GraphQLArgument): string[] {
    if (!(isNonNullType(type) && defaultValue === undefined) && this.#chance(0.55)) return []
    return [`${name}: ${this.#literal(type, name, true)}`]
  }

  /** A literal, or a variable instead of it. */
  #literal(type: GraphQLInputType, name: string, mayVary: boolean): string {
    if (mayVary && this.#chance(0.3)) return this.#variable(type, name, isNonNullType(type))
    if (!isNonNullType(type) && this.#chance(0.08)) return 'null'
    return this.#literalOf(getNullableType(type), name, mayVary)
  }

  #literalOf(type: GraphQLInputType, name: string, mayVary: boolean): string {
    if (isListType(type)) {
      // GraphQL coerces a single value to a list of one.
      if (this.#chance(0.15)) return this.#literalOf(getNullableType(type.ofType), name, mayVary)
      return `[${this.#times(3, () => this.#literal(type.ofType, name, mayVary)).join(', ')}]`
    }
    if (isInputObjectType(type)) {
      const fields = this.#inputFields(type.isOneOf, Object.values(type.getFields()))
      const written = fields.map(each => `${each.name}: ${this.#inputField(each, type.isOneOf, mayVary)}`)
      return `{ ${written.join(', ')} }`
    }
    const value = this.#leaf(type, name)
    return isEnumType(type) ? String(value) : toLiteral(value)
  }

  /** Keys of one-of inputs are non-null, also as variables. */
  #inputField({ type, name }: GraphQLInputField, isOneOf: boolean, mayVary: boolean): string {
    if (!isOneOf) return this.#literal(type, name, mayVary)
    return mayVary && this.#chance(0.4)
      ? this.#variable(type, name, true)
      : this.#literalOf(getNullableType(type), name, mayVary)
  }

  #inputFields(isOneOf: boolean, fields: readonly GraphQLInputField[]): readonly GraphQLInputField[] {
    // Mostly by global id, because other lookups may call a provider, which is slow.
    if (isOneOf) return [this.#chance(0.95) ? (fields[0] as GraphQLInputField) : this.#pick(fields)]
    return fields.filter(
      ({ type, defaultValue }) => (isNonNullType(type) && defaultValue === undefined) || this.#chance(0.35),
    )
  }

  /** A JSON value. */
  #json(type: GraphQLInputType, name: string): unknown {
    if (isListType(type)) {
      if (this.#chance(0.15)) return this.#json(getNullableType(type.ofType), name)
      return this.#times(3, () => this.#json(getNullableType(type.ofType), name))
    }
    if (isInputObjectType(type)) {
      const fields = this.#inputFields(type.isOneOf, Object.values(type.getFields()))
      return Object.fromEntries(
        fields.map(each => {
          const isNull = !type.isOneOf && !isNonNullType(each.type) && this.#chance(0.1)
          return [each.name, isNull ? null : this.#json(getNullableType(each.type), each.name)]
        }),
      )
    }
    return this.#leaf(type, name)
  }

  #leaf(type: GraphQLInputType, name: string): unknown {
    const { values } = this.#vocabulary
    const named = getNamedType(type)
    if (isEnumType(type)) return this.#chance(0.005) ? 'DONE' : this.#pick((named as GraphQLEnumType).getValues()).name
    if (named.name === 'Boolean') return this.#chance(0.5)
    if (named.name === 'Int') return this.#chance(0.005) ? 1.5 : this.#pick(values[name] ?? values.Int ?? [1])
    return this.#pick(values[name] ?? values[named.name] ?? ['a'])
  }

  #variable(type: GraphQLInputType, name: string, isNeverNull: boolean): string {
    const known = this.#variables.filter(each => String(each.type) === String(type) && each.name === name)
    const again = known.filter(each => !isNeverNull || each.isNonNull || each.byDefault !== undefined)
    if (again.length > 0 && this.#chance(0.5)) return `$${this.#pick(again).key}`
    const byDefault = this.#chance(0.35) ? this.#literalOf(getNullableType(type), name, false) : undefined
    // A nullable variable with a default is valid at a non-null position; null then fails at execution.
    const isNonNull = isNeverNull && (byDefault === undefined || this.#chance(0.5))
    const key = `v${this.#variables.length}`
    this.#variables.push({ key, type, name, isNonNull, byDefault })
    return `$${key}`
  }
}

function toLiteral(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(toLiteral).join(', ')}]`
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${key}: ${toLiteral(inner)}`)
    .join(', ')} }`
}

function digest(text: string): string {
  let hash = 7
  for (const character of text) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return hash.toString(36)
}
