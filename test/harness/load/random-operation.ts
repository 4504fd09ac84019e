import {
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from 'graphql'
import type { RawRequest } from '../clients/raw-client.ts'
import type { RichData } from './rich-data.ts'
import { operation, smallest } from './worst-requests.ts'

/** Numbers from 0 to 1 that choose an operation. A changed number changes a part of it. */
export type Genes = readonly number[]

export function randomGenes(random: () => number): Genes {
  return Array.from({ length: 40 }, random)
}

export function mutateGenes(genes: Genes, random: () => number): Genes {
  return genes.map(gene => (random() < 0.12 ? random() : gene))
}

/** The operation that the genes choose. */
export function toOperation(genes: Genes, schema: GraphQLSchema, data: RichData): RawRequest {
  let at = 0
  const next = () => genes[at++ % genes.length] ?? 0
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T
  let aliases = 0

  function selections(type: GraphQLObjectType, depth: number): string {
    const fields = Object.values(type.getFields()).filter(field => !field.args.some(isRequiredArgument))
    return Array.from({ length: 1 + Math.floor(next() * 4) }, () => repeated(pick(fields), depth)).join(' ')
  }
  function repeated(field: GraphQLField<unknown, unknown>, depth: number): string {
    const count = Math.min(pick([1, 1, 2, 8, 28]), 30 - aliases)
    if (count <= 0) return '__typename'
    aliases += count
    const text = selected(field, depth)
    const first = aliases - count
    return Array.from({ length: count }, (_, index) => `a${first + index}: ${text}`).join(' ')
  }
  function selected(field: GraphQLField<unknown, unknown>, depth: number): string {
    const named = getNamedType(field.type)
    if (isLeafType(named)) return field.name
    const rows = isObjectType(named) ? named.getFields().nodes : undefined
    if (rows) {
      const row = getNamedType(rows.type)
      const below = isObjectType(row) && depth < 3 ? selections(row, depth + 1) : '__typename id'
      return `${field.name}(first: ${pick([0, 1, 20, 100])}) { ${pick(['', 'totalCount '])}nodes { ${below} } }`
    }
    if (isObjectType(named) && depth < 3) return `${field.name} { ${selections(named, depth + 1)} }`
    return smallest(field, schema) ?? '__typename'
  }

  const type = (name: string) => schema.getType(name) as GraphQLObjectType
  const roots: readonly (() => RawRequest)[] = [
    () => operation(`{ sessions(first: ${pick([1, 20, 100])}) { nodes { ${selections(type('Session'), 1)} } } }`),
    () => operation(`{ customers(first: 100) { nodes { ${selections(type('Customer'), 1)} } } }`),
    () => operation(`{ applicants(first: 100) { nodes { ${selections(type('Applicant'), 1)} } } }`),
    () =>
      operation(`query ($id: ID!) { session(by: { id: $id }) { ${selections(type('Session'), 0)} } }`, {
        id: data.richSessionId,
      }),
    () =>
      operation(`query ($id: ID!) { customer(by: { id: $id }) { ${selections(type('Customer'), 0)} } }`, {
        id: data.customerId,
      }),
    () =>
      operation(`query ($e: String!) { person(externalId: $e) { ${selections(type('Person'), 0)} } }`, {
        e: data.externalId,
      }),
    () =>
      operation(`query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Session { ${selections(type('Session'), 1)} } } }`, {
        ids: data.sessionIds.slice(0, pick([1, 20, 100])),
      }),
  ]
  return pick(roots)()
}
