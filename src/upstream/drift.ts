import { z } from 'zod'

export type DriftGrade = 'ABSORBED' | 'DEGRADED' | 'REFUSED'

/** A deviation of a response from its schema. Paths contain no values: list indexes are `*`. */
export interface Drift {
  readonly operation: string
  readonly grade: DriftGrade
  readonly path: string
  /** The shape of the value, without the value: `string`, `list of object {id, name}`; null if it is missing. */
  readonly shape: string | null
}

export interface CountedDrift extends Drift {
  readonly count: number
  readonly firstAt: Date
  readonly lastAt: Date
}

/** Counts drift by operation, grade and path. */
export interface DriftLog {
  add(drift: Drift): void
  readonly total: number
  list(): readonly CountedDrift[]
  /** Drift since the previous call of `take`. */
  take(): readonly CountedDrift[]
}

/** Bounds memory: beyond this many paths per operation and grade, further paths are counted as one unnamed path. */
const MAX_KINDS = 100

export function createDriftLog(): DriftLog {
  const kinds = new Map<string, CountedDrift>()
  let uncollected = new Map<string, CountedDrift>()
  const kindsOf = new Map<string, number>()
  let total = 0

  function groupDrift({ operation, grade, path, shape }: Drift): [string, Drift] {
    const group = `${operation}|${grade}`
    const key = `${group}|${path}`
    if (kinds.has(key)) return [key, { operation, grade, path, shape }]
    const known = kindsOf.get(group) ?? 0
    if (known >= MAX_KINDS) return [`${group}|${UNNAMED}`, { operation, grade, path: UNNAMED, shape: null }]
    kindsOf.set(group, known + 1)
    return [key, { operation, grade, path, shape }]
  }

  return {
    add(drift) {
      total++
      const [key, kind] = groupDrift(drift)
      kinds.set(key, countDrift(kinds.get(key), kind))
      uncollected.set(key, countDrift(uncollected.get(key), kind))
    },
    get total() {
      return total
    },
    list: () => [...kinds.values()],
    take: () => {
      const collected = [...uncollected.values()]
      uncollected = new Map()
      return collected
    },
  }
}

function countDrift(known: CountedDrift | undefined, kind: Drift): CountedDrift {
  const at = new Date()
  return { ...kind, count: (known?.count ?? 0) + 1, firstAt: known?.firstAt ?? at, lastAt: at }
}

/** The path in a response and the shape of its value. */
export type SchemaPath = Pick<Drift, 'path' | 'shape'>

/**
 * Finds where a response goes beyond its schema: unknown fields, and values outside a known word list. An unknown word
 * for a status or an outcome is degraded, because it costs that status; everything else is absorbed.
 */
export function findUnknown(schema: z.ZodType, value: unknown): Deviation[] {
  const found: Found = new Map()
  visit(schema, value, undefined, found)
  return [...found].map(([path, reported]) => ({ path, ...reported }))
}

export type Deviation = Pick<Drift, 'grade' | 'path' | 'shape'>
type Found = Map<string, Pick<Drift, 'grade' | 'shape'>>

/** A linked path: most paths lead to no finding, and are never written out. */
interface Step {
  readonly from: Step | undefined
  readonly shown: string
}

/** Does not descend into open parts of the schema, such as metadata. */
function visit(outer: z.ZodType, value: unknown, step: Step | undefined, found: Found): void {
  if (value === null || value === undefined) return
  const { schema, options, words, anyCase, grade } = shapeOf(outer)
  const branch = options?.find(option => option.safeParse(value).success)
  if (branch) visit(branch, value, step, found)
  if (words && typeof value === 'string' && !words.has(anyCase ? value.trim().toUpperCase() : value))
    found.set(toPath(step), { grade, shape: toShape(value) })
  if (!isContainer(value)) return
  for (const [key, item] of Object.entries(value)) {
    const { shown, field, isUnknown } = fieldAt(schema, key)
    if (isUnknown) found.set(toPath({ from: step, shown }), { grade: 'ABSORBED', shape: toShape(item) })
    if (field) visit(field, item, { from: step, shown }, found)
  }
}

function toPath(step: Step | undefined): string {
  if (!step) return ''
  return step.from ? `${toPath(step.from)}.${step.shown}` : step.shown
}

/**
 * The cached inspection of a schema. A wire schema lists the known words of an open word list as `.meta({ known })`. It
 * adds `decides: true` if a status or an outcome is read from them, and `anyCase: true` if case and surrounding space
 * have no meaning; the known words are then upper case.
 */
interface ValueShape {
  /** Without optional, nullable and default wrappers. */
  readonly schema: z.ZodType
  readonly options: readonly z.ZodType[] | undefined
  /** The known words of an open word list. */
  readonly words: ReadonlySet<unknown> | undefined
  readonly anyCase: boolean
  /** The grade of an unknown word. */
  readonly grade: DriftGrade
}

const shapesOf = new WeakMap<z.ZodType, ValueShape>()

function shapeOf(outer: z.ZodType): ValueShape {
  const known = shapesOf.get(outer)
  if (known) return known
  const schema = unwrap(outer)
  const options = schema instanceof z.ZodUnion ? (schema.options as readonly z.ZodType[]) : undefined
  const meta = schema instanceof z.ZodString ? (schema.meta() ?? outer.meta()) : undefined
  const words = Array.isArray(meta?.known) ? new Set<unknown>(meta.known) : undefined
  const grade = meta?.decides ? 'DEGRADED' : 'ABSORBED'
  const shape: ValueShape = { schema, options, words, anyCase: meta?.anyCase === true, grade }
  shapesOf.set(outer, shape)
  return shape
}

/** A path in a provider's response that is safe to show. */
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

/** The schema's description of a key. Keys of lists and records are values, shown as `*`. */
function fieldAt(schema: z.ZodType, key: string): Field {
  if (schema instanceof z.ZodArray) return { shown: '*', field: schema.element as z.ZodType }
  if (schema instanceof z.ZodRecord) return { shown: '*', field: schema.valueType as z.ZodType }
  if (!(schema instanceof z.ZodObject)) return { shown: toSafeKey(key) }
  if (Object.hasOwn(schema.shape, key)) return { shown: key, field: schema.shape[key] as z.ZodType }
  return { shown: toSafeKey(key), isUnknown: schema.def.catchall === undefined }
}

/** The schema of the raw value: without optional wrappers, and before transformation. */
function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodPipe) return unwrap(schema.in as z.ZodType)
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return unwrap(schema.unwrap() as z.ZodType)
  }
  return schema
}

const UNNAMED = '?'

/** The provider chose the key; one that does not look like a field name could be a value. */
function toSafeKey(key: string): string {
  return /^(?!.*\d{4})[A-Za-z_]\w{0,39}$/.test(key) ? key : UNNAMED
}

/** The first keys of an object are enough to recognize it. */
const MAX_KEYS = 8

/** The shape of a value, without the value: its type, and the field names of an object. */
export function toShape(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'empty list' : `list of ${toItemShape(value[0])}`
  if (!isContainer(value)) return value === null ? 'null' : typeof value
  const keys = Object.keys(value).sort().slice(0, MAX_KEYS)
  return `object {${keys.map(toSafeKey).join(', ')}}`
}

/** Does not descend further: lists of lists may be arbitrarily deep. */
function toItemShape(value: unknown): string {
  return Array.isArray(value) ? 'list' : toShape(value)
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
