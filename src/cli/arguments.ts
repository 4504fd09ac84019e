import { Argument, InvalidArgumentError, Option } from 'commander'
import { PROVIDERS, type Provider } from '../domain/provider.ts'

/** Arguments and options shared by several commands. */

const NAMES = PROVIDERS.join(', ').toLowerCase()

export function providerArgument(): Argument {
  return new Argument('<provider>', `one of ${NAMES}`).argParser(toProvider)
}

export function providerOption(): Option {
  return new Option('--provider <provider>', `only this provider: ${NAMES}`).argParser(toProvider)
}

export function tenantArgument(): Argument {
  return new Argument('<tenant>', 'the id of a tenant, as shown by `tenants list`')
}

/** The maximum number of rows of a list. */
export function limitOption(count: number, of: string): Option {
  return new Option('--limit <number>', `maximum number of ${of}`).argParser(toCount).default(count)
}

export function toCount(value: string): number {
  if (!/^[1-9]\d{0,3}$/.test(value)) throw new InvalidArgumentError('Expected a number from 1 to 9999.')
  return Number(value)
}

function toProvider(value: string): Provider {
  const provider = PROVIDERS.find(known => known === value.toUpperCase())
  if (!provider) throw new InvalidArgumentError(`Expected one of ${NAMES}.`)
  return provider
}
