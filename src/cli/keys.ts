import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ApiKey } from '../domain/api-key.ts'
import { SCOPES, type Scope } from '../domain/caller.ts'
import { type CliContext, examples, withHouse } from './cli.ts'

const DAY_MS = 86_400_000

interface NewKeyOptions {
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly expires: Date | null
}

/** `sessiongraph keys`: the API keys of a tenant. A key is shown once, when it is made. */
export function addKeys(program: Command, cli: CliContext): void {
  const command = program.command('keys').description('the API keys of a tenant')

  command
    .command('create <tenant>')
    .description('a new key; it is shown this once')
    .requiredOption('--name <name>', 'what it is for')
    .addOption(
      new Option('--scopes <scopes>', `with commas between them, or "all": ${SCOPES.join(', ')}`)
        .argParser(toScopes)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--expires <when>', 'days such as 90d, a time such as 2027-01-31T00:00:00Z, or "never"')
        .argParser(toEnd)
        .default(null, 'never'),
    )
    .addHelpText(
      'after',
      examples(
        'sessiongraph keys create acme --name web --scopes sessions:read,session:access',
        'sessiongraph keys create acme --name ops --scopes all --expires 90d',
      ),
    )
    .action((tenantId: string, { name, scopes, expires }: NewKeyOptions) =>
      withHouse(cli, async ({ services }) => {
        const { apiKey, key } = await services.keys.create({ tenantId }, { name, scopes, expiresAt: expires })
        cli.show([{ key, ...toRow(apiKey) }])
      }),
    )

  command
    .command('list <tenant>')
    .description('the keys of a tenant, how each begins, and when it was last used, to some minutes')
    .addHelpText('after', examples('sessiongraph keys list acme'))
    .action((tenantId: string) =>
      withHouse(cli, async ({ services }) => {
        await services.tenants.get(tenantId)
        cli.show((await services.keys.list({ tenantId })).map(toRow))
      }),
    )

  command
    .command('revoke <tenant> <id>')
    .description('ends a key, its client tokens and their streams within seconds')
    .addHelpText('after', examples('sessiongraph keys revoke acme 01a1fc51-4540-7679-a16e-870c9ec09ee5'))
    .action((tenantId: string, id: string) =>
      withHouse(cli, async ({ services }) => {
        await services.keys.revoke({ tenantId }, id)
        cli.show([{ revoked: id }])
      }),
    )
}

function toScopes(value: string): readonly Scope[] {
  if (value === 'all') return SCOPES
  return value.split(',').map(name => {
    const scope = SCOPES.find(known => known === name.trim())
    if (!scope) throw new InvalidArgumentError(`Expected "all" or some of ${SCOPES.join(', ')}.`)
    return scope
  })
}

function toEnd(value: string): Date | null {
  if (value === 'never') return null
  const [, days] = /^(\d{1,4})d$/.exec(value) ?? []
  const end = days ? new Date(Date.now() + Number(days) * DAY_MS) : new Date(value)
  if (Number.isNaN(end.getTime())) throw new InvalidArgumentError('Expected days such as 90d, a time, or "never".')
  return end
}

function toRow({ id, tenantId, name, prefix, scopes, expiresAt, revokedAt, lastUsedAt, createdAt }: ApiKey) {
  return {
    id,
    tenant: tenantId,
    name,
    prefix: `${prefix}…`,
    scopes: scopes.join(' '),
    expiresAt: expiresAt?.toISOString() ?? null,
    revokedAt: revokedAt?.toISOString() ?? null,
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
    createdAt: createdAt.toISOString(),
  }
}
