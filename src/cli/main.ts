#!/usr/bin/env node
import { Command } from 'commander'
import { PendingMigrationsError } from '../../db/database.ts'
import { ConfigError, loadConfig } from '../config.ts'
import { DomainError, InvalidInputError } from '../domain/errors.ts'
import { DEV_TENANT, openHouse } from '../house.ts'
import { registry } from '../providers/registry.ts'
import { attachSandboxes } from '../sandboxes.ts'
import { type CliContext, format } from './cli.ts'
import { addDatabase } from './database.ts'
import { addDrift } from './drift.ts'
import { addKeys } from './keys.ts'
import { addOperations } from './operations.ts'
import { addPerson } from './person.ts'
import { addProviders } from './providers.ts'
import { addSecrets } from './secrets.ts'
import { addTenants } from './tenants.ts'
import { addWebhooks } from './webhooks.ts'

/** The command line. Exit codes: 0 done, 1 not done and the reason said, 2 the command itself was wrong. */

const USAGE_EXIT_CODE = 2

const program = new Command('sessiongraph')
  .description('Operates a sessiongraph server. Reads the same settings from the environment as the server.')
  .option('--tenant <id>', 'the tenant to work for', DEV_TENANT)
  .option('--json', 'print JSON for programs')
  .exitOverride(error => process.exit(error.exitCode === 0 ? 0 : USAGE_EXIT_CODE))

const cli: CliContext = {
  open: () => {
    const config = loadConfig(process.env, Object.values(registry))
    return openHouse(config, { now: () => new Date(), sandboxes: attachSandboxes })
  },
  databaseUrl: () => loadConfig(process.env, Object.values(registry)).house.DATABASE_URL,
  tenantId: () => program.opts<{ tenant: string }>().tenant,
  show: rows => console.log(format(rows, program.opts<{ json?: boolean }>().json ?? false)),
}
addDrift(program, cli)
addDatabase(program, cli)
addKeys(program, cli)
addOperations(program, cli)
addPerson(program, cli)
addProviders(program, cli)
addSecrets(program, cli)
addTenants(program, cli)
addWebhooks(program, cli)

try {
  await program.parseAsync()
} catch (error) {
  const isExpected = [ConfigError, DomainError, PendingMigrationsError].some(kind => error instanceof kind)
  if (!isExpected || !(error instanceof Error)) throw error
  console.error([error.message, ...describeIssues(error)].join('\n'))
  process.exit(1)
}

/** What is wrong with each input, a line each. */
function describeIssues(error: unknown): string[] {
  if (!(error instanceof InvalidInputError)) return []
  return error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`)
}
