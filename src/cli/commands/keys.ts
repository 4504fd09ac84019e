import { type Command, InvalidArgumentError, Option } from 'commander'
import type { AppContainer } from '../../app/container.ts'
import type { ApiKey } from '../../domain/access/api-key.ts'
import { SCOPES, type Scope } from '../../domain/access/caller.ts'
import { tenantArgument } from '../arguments.ts'
import { type CliContext, examples, type TenantCall, withHint, withTenant } from '../cli.ts'

const DAY_MS = 86_400_000

interface NewKeyOptions {
  readonly name?: string
  readonly scopes?: readonly Scope[]
  readonly expires: Date | null
}

/** `sessiongraph keys`: the API keys of a tenant. A key is shown once, when it is created. */
export function addKeys(program: Command, cli: CliContext): void {
  const command = program.command('keys').description('the API keys of a tenant')

  command
    .command('create')
    .description('create a key for a tenant; it is shown only once')
    .addArgument(tenantArgument())
    .usage('<tenant> --name <name> --scopes <scopes> [options]')
    .option('--name <name>', 'its purpose, as a display name, required')
    .addOption(
      new Option(
        '--scopes <scopes>',
        `its scopes, required: "all", or a comma-separated list of ${SCOPES.join(', ')}`,
      ).argParser(toScopes),
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
    .action((tenantId: string, { name, scopes, expires }: NewKeyOptions, self: Command) => {
      if (!name || !scopes) return self.error('error: expected --name <name> and --scopes <scopes>')
      const wanted = { name, scopes, expiresAt: expires }
      const make = async ({ services }: AppContainer, call: TenantCall) => {
        const { apiKey, key } = await services.keys.create(call, wanted)
        cli.show([{ key, ...toRow(apiKey) }])
      }
      return withTenant(cli, make, tenantId)
    })

  command
    .command('list')
    .description('list the keys of a tenant, with their prefixes and approximate last use')
    .addArgument(tenantArgument())
    .addHelpText('after', examples('sessiongraph keys list acme'))
    .action((tenantId: string) =>
      withTenant(
        cli,
        async ({ services }, call) =>
          cli.show((await services.keys.list(call)).map(toRow), { empty: 'The tenant has no API keys.' }),
        tenantId,
      ),
    )

  command
    .command('revoke')
    .description('revoke a key, its client tokens and their streams within seconds')
    .addArgument(tenantArgument())
    .argument('<id>', 'the id of the key, as shown by `keys list`')
    .addHelpText('after', examples('sessiongraph keys revoke acme 01a1fc51-4540-7679-a16e-870c9ec09ee5'))
    .action((tenantId: string, id: string) => {
      const revoke = async ({ services }: AppContainer, call: TenantCall) => {
        await withHint(services.keys.revoke(call, id), `\`sessiongraph keys list ${tenantId}\` shows all keys.`)
        cli.show([{ revoked: id }])
      }
      return withTenant(cli, revoke, tenantId)
    })
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
