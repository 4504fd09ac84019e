import { InvalidArgumentError } from 'commander'
import { PROVIDERS, type Provider } from '../domain/provider.ts'
import type { House } from '../house.ts'

/** What a command works with. */
export interface CliContext {
  open(): Promise<House>
  /** DATABASE_URL, for what needs no more than the database. */
  databaseUrl(): string
  readonly tenantId: () => string
  /** Prints rows for a person, or as JSON where that was asked for. */
  show(rows: readonly object[]): void
}

export interface TenantCall {
  readonly tenantId: string
}

/** Opens the house for one command and closes it again. */
export async function withHouse(
  cli: CliContext,
  run: (house: House, call: TenantCall) => Promise<void>,
): Promise<void> {
  const house = await cli.open()
  try {
    await run(house, { tenantId: cli.tenantId() })
  } finally {
    await house.close()
  }
}

/** An argument that names a provider. */
export function toProvider(value: string): Provider {
  const provider = PROVIDERS.find(known => known === value.toUpperCase())
  if (!provider) throw new InvalidArgumentError(`Expected one of ${PROVIDERS.join(', ').toLowerCase()}.`)
  return provider
}

/** An argument that says how many. */
export function toCount(value: string): number {
  if (!/^[1-9]\d{0,3}$/.test(value)) throw new InvalidArgumentError('Expected a number from 1 to 9999.')
  return Number(value)
}

/** Rows as JSON, or a name and a value a line with an empty line between them. */
export function format(rows: readonly object[], json: boolean): string {
  if (json) return JSON.stringify(rows, null, 2)
  if (rows.length === 0) return 'Nothing there.'
  return rows.map(row => Object.entries(row).map(toLine).join('\n')).join('\n\n')
}

function toLine([name, value]: [string, unknown]): string {
  return `${name.padEnd(15)} ${toText(value)}`
}

function toText(value: unknown): string {
  if (value == null) return '–'
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
