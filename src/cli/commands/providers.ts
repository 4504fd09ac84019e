import type { Command } from 'commander'
import { envVarName } from '../../app/config.ts'
import type { AppContainer } from '../../app/container.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Provider } from '../../domain/provider.ts'
import { recordAudit } from '../../services/access/tenants.ts'
import { testConnection } from '../../services/accounts/connection-check.ts'
import { providerArgument, tenantArgument } from '../arguments.ts'
import { type CliContext, CliError, examples, type TenantCall, withTenant } from '../cli.ts'
import { hintFor } from '../hints.ts'

/**
 * `sessiongraph providers`: each tenant's own accounts at the providers. Secrets are read from stdin and never shown.
 */
export function addProviders(program: Command, cli: CliContext): void {
  const command = program.command('providers').description("each tenant's own accounts at the providers")
  const accountCommand = (name: string) =>
    command.command(name).addArgument(tenantArgument()).addArgument(providerArgument())

  accountCommand('set')
    .description('set the account from stdin: a JSON object, or a line KEY=VALUE for each setting')
    .option('--another', 'a different account than the current one, with separate records')
    .option('--sandbox', 'the sandbox, shared by all tenants that use it; development only')
    .addHelpText(
      'after',
      examples('sessiongraph providers set acme kayle < kayle.env', 'sessiongraph providers set acme yorlet --sandbox'),
    )
    .action((tenantId: string, provider: Provider, options: { another?: boolean; sandbox?: boolean }) => {
      const set = async ({ services: { providerSettings } }: AppContainer, call: TenantCall) => {
        if (options.sandbox) await providerSettings.setSandbox(call, provider)
        else {
          const given = readSettings(provider, await cli.stdin())
          await providerSettings.set(call, { provider, given, another: options.another })
        }
        cli.show((await providerSettings.list(call)).filter(account => account.provider === provider))
      }
      return withTenant(cli, set, tenantId)
    })

  accountCommand('test')
    .description('test the connection with one harmless read')
    .addHelpText('after', examples('sessiongraph providers test acme kayle'))
    .action((tenantId: string, provider: Provider) => {
      const test = async ({ db, services }: AppContainer, call: TenantCall) => {
        const account = await services.accounts.get(tenantId, provider)
        await recordAudit(db, { ...call, action: 'provider.check', at: new Date(), subject: provider })
        const probed = await testConnection(account)
        const { ok, message, code = 'BAD_REQUEST' } = probed
        const shown = (await services.providerSettings.list(call)).find(each => each.provider === provider)
        if (!ok) throw new CliError(code, `${message} ${hintFor(probed, account, shown?.from ?? null)}`.trimEnd())
        cli.show([{ tenant: tenantId, provider, message }])
      }
      return withTenant(cli, test, tenantId)
    })

  accountCommand('remove')
    .description('remove the account; its records stay readable')
    .addHelpText('after', examples('sessiongraph providers remove acme kayle'))
    .action((tenantId: string, provider: Provider) => {
      const remove = async ({ services }: AppContainer, call: TenantCall) => {
        const accountId = await services.providerSettings.remove(call, provider)
        cli.show([{ tenant: tenantId, provider, removed: accountId }])
      }
      return withTenant(cli, remove, tenantId)
    })

  command
    .command('list')
    .description('list the accounts of a tenant, without secrets')
    .addArgument(tenantArgument())
    .addHelpText('after', examples('sessiongraph providers list acme'))
    .action((tenantId: string) => {
      const list = async ({ services }: AppContainer, call: TenantCall) =>
        cli.show(await services.providerSettings.list(call))
      return withTenant(cli, list, tenantId)
    })
}

/** Settings by name. KAYLE_API_KEY, API_KEY and apiKey name the same setting. */
function readSettings(provider: Provider, input: string): Record<string, string> {
  const entries = input.trimStart().startsWith('{') ? readJson(input) : readLines(input)
  return Object.fromEntries(entries.map(([name, value]) => [toName(provider, name), value]))
}

function readJson(input: string): [string, string][] {
  try {
    return Object.entries(JSON.parse(input) as object).map(([name, value]) => [name, String(value)])
  } catch {
    throw new DomainError('BAD_REQUEST', 'Expected a JSON object on stdin.')
  }
}

function readLines(input: string): [string, string][] {
  const lines = input.split(/\r?\n/).filter(line => line.trim() !== '' && !line.startsWith('#'))
  return lines.map(line => {
    const [, name, value] = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (!name || value === undefined) throw new DomainError('BAD_REQUEST', 'Expected lines KEY=VALUE on stdin.')
    return [name, value]
  })
}

function toName(provider: Provider, name: string): string {
  if (!/^[A-Z][A-Z_]*$/.test(name)) return name
  const key = name.startsWith(`${provider}_`) ? name.slice(provider.length + 1) : name
  const camel = key.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
  return envVarName(provider, camel) === `${provider}_${key}` ? camel : name
}
