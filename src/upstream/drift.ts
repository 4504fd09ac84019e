import { z } from 'zod'

export type DriftGrade = 'ABSORBED' | 'DEGRADED' | 'REFUSED'

/** Something in an answer that its schema does not say. Paths have no values in them: list places are `*`. */
export interface Drift {
  readonly operation: string
  readonly grade: DriftGrade
  readonly path: string
  /** What stands there, without its value: `string`, `list of object {id, name}`; null where nothing does. */
  readonly shape: string | null
}

export interface CountedDrift extends Drift {
  readonly count: number
  readonly firstAt: Date
  readonly lastAt: Date
}

/** Counts drift by what, where and how bad. */
export interface DriftLog {
  add(drift: Drift): void
  readonly total: number
  list(): readonly CountedDrift[]
  /** What came since the last time this was asked, and once only. */
  take(): readonly CountedDrift[]
}

/** What a provider sends must not fill our memory: beyond so many kinds of one grade of one call the place is lost. */
const MOST_KINDS = 100

export function createDriftLog(): DriftLog {
  const kinds = new Map<string, CountedDrift>()
  let untaken = new Map<string, CountedDrift>()
  const kindsOf = new Map<string, number>()
  let total = 0

  function placed({ operation, grade, path, shape }: Drift): [string, Drift] {
    const group = `${operation}|${grade}`
    const key = `${group}|${path}`
    if (kinds.has(key)) return [key, { operation, grade, path, shape }]
    const known = kindsOf.get(group) ?? 0
    if (known >= MOST_KINDS) return [`${group}|${UNNAMED}`, { operation, grade, path: UNNAMED, shape: null }]
    kindsOf.set(group, known + 1)
    return [key, { operation, grade, path, shape }]
  }

  return {
    add(drift) {
      total++
      const [key, kind] = placed(drift)
      kinds.set(key, oneMore(kinds.get(key), kind))
      untaken.set(key, oneMore(untaken.get(key), kind))
    },
    get total() {
      return total
    },
    list: () => [...kinds.values()],
    take: () => {
      const taken = [...untaken.values()]
      untaken = new Map()
      return taken
    },
  }
}

function oneMore(known: CountedDrift | undefined, kind: Drift): CountedDrift {
  const at = new Date()
  return { ...kind, count: (known?.count ?? 0) + 1, firstAt: known?.firstAt ?? at, lastAt: at }
}

/** Where in an answer, and what stands there. */
export type Place = Pick<Drift, 'path' | 'shape'>

/** The places at which an answer says more than its schema: fields it does not know, words that are none of its known ones. */
export function findUnknown(schema: z.ZodType, value: unknown): Place[] {
  const found = new Map<string, string>()
  visit(schema, value, undefined, found)
  return [...found].map(([path, shape]) => ({ path, shape }))
}

/** A step into an answer: most paths lead to nothing new, and are never written out. */
interface Step {
  readonly from: Step | undefined
  readonly shown: string
}

/** What the schema leaves open, such as metadata, is not looked into. */
function visit(outer: z.ZodType, value: unknown, step: Step | undefined, found: Map<string, string>): void {
  if (value === null || value === undefined) return
  const { schema, options, words } = lookOf(outer)
  const branch = options?.find(option => option.safeParse(value).success)
  if (branch) visit(branch, value, step, found)
  if (words && typeof value === 'string' && !words.has(value)) found.set(toPath(step), toShape(value))
  if (!isContainer(value)) return
  for (const key of Object.keys(value)) {
    const item: unknown = value[key as never]
    const { shown, field, isUnknown } = fieldAt(schema, key)
    if (isUnknown) found.set(toPath({ from: step, shown }), toShape(item))
    if (field) visit(field, item, { from: step, shown }, found)
  }
}

function toPath(step: Step | undefined): string {
  if (!step) return ''
  return step.from ? `${toPath(step.from)}.${step.shown}` : step.shown
}

/** What is looked at in a schema each time. */
interface Look {
  /** Without what makes it optional. */
  readonly schema: z.ZodType
  readonly options: readonly z.ZodType[] | undefined
  /** The known words of an open word list. */
  readonly words: ReadonlySet<unknown> | undefined
}

const looks = new WeakMap<z.ZodType, Look>()

function lookOf(outer: z.ZodType): Look {
  const known = looks.get(outer)
  if (known) return known
  const schema = unwrap(outer)
  const options = schema instanceof z.ZodUnion ? (schema.options as readonly z.ZodType[]) : undefined
  const look = { schema, options, words: schema instanceof z.ZodString ? wordsOf(outer, schema) : undefined }
  looks.set(outer, look)
  return look
}

/** A path into what a provider sent, as it may be shown. */
export function toSafePath(schema: z.ZodType, [key, ...rest]: readonly PropertyKey[]): string {
  if (key === undefined) return ''
  const { shown, field = z.unknown() } = fieldAt(unwrap(schema), String(key))
  const inner = toSafePath(field, rest)
  return inner === '' ? shown : `${shown}.${inner}`
}

interface Field {
  readonly shown: string
  readonly field?: z.ZodType
  readonly isUnknown?: boolean
}

/** What a schema says of a key. The keys of a list and of a record are values: they are shown as `*`. */
function fieldAt(schema: z.ZodType, key: string): Field {
  if (schema instanceof z.ZodArray) return { shown: '*', field: schema.element as z.ZodType }
  if (schema instanceof z.ZodRecord) return { shown: '*', field: schema.valueType as z.ZodType }
  if (!(schema instanceof z.ZodObject)) return { shown: toSafeKey(key) }
  if (Object.hasOwn(schema.shape, key)) return { shown: key, field: schema.shape[key] as z.ZodType }
  return { shown: toSafeKey(key), isUnknown: schema.def.catchall === undefined }
}

/** A wire schema names the known words of an open word list as `.meta({ known })`. */
function wordsOf(outer: z.ZodType, inner: z.ZodType): ReadonlySet<unknown> | undefined {
  const known = (inner.meta() ?? outer.meta())?.known
  return Array.isArray(known) ? new Set(known) : undefined
}

/** The schema of what is sent: without what makes it optional, and before what is made of it. */
function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodPipe) return unwrap(schema.in as z.ZodType)
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return unwrap(schema.unwrap() as z.ZodType)
  }
  return schema
}

const UNNAMED = '?'

/** A key is the provider's; one that does not look like the name of a field could be a value. */
function toSafeKey(key: string): string {
  return /^(?!.*\d{4})[A-Za-z_]\w{0,39}$/.test(key) ? key : UNNAMED
}

/** As many as tell what a new object is about. */
const MOST_KEYS = 8

/** What a value is, without saying it: its type, and of an object the names of its fields. */
export function toShape(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'empty list' : `list of ${toItemShape(value[0])}`
  if (!isContainer(value)) return value === null ? 'null' : typeof value
  const keys = Object.keys(value).sort().slice(0, MOST_KEYS)
  return `object {${keys.map(toSafeKey).join(', ')}}`
}

/** Lists of lists may be as deep as their sender likes. */
function toItemShape(value: unknown): string {
  return Array.isArray(value) ? 'list' : toShape(value)
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
