import { type Command, Option } from 'commander'
import { CREATE_STATES, type CreateOperation, type CreateState } from '../domain/operation.ts'
import type { House } from '../house.ts'
import { writeDown } from './audit.ts'
import { type CliContext, examples, type TenantCall, toCount, withHouse } from './cli.ts'

/** `sessiongraph operations`: the creates whose outcome is not known, and what an operator can do about them. */
export function addOperations(program: Command, cli: CliContext): void {
  const command = program.command('operations').description('creates: what became of them, and settling what is stuck')

  command
    .command('list')
    .description('the newest creates in the states given')
    .addOption(new Option('--state <state...>', 'which states').choices(CREATE_STATES).default(['UNKNOWN']))
    .addOption(new Option('--limit <number>', 'how many at most').argParser(toCount).default(50))
    .addHelpText(
      'after',
      examples('sessiongraph operations list', 'sessiongraph operations list --state UNKNOWN FAILED --limit 10'),
    )
    .action((options: { state: CreateState[]; limit: number }) =>
      withHouse(cli, async ({ services }, call) => {
        cli.show((await services.operations.list(call, options.state, options.limit)).map(toRow))
      }),
    )

  command
    .command('show <id>')
    .description('one create, by its id or its idempotency key')
    .addHelpText('after', examples('sessiongraph operations show signup-1337'))
    .action((id: string) => withHouse(cli, async (house, call) => cli.show([toRow(await find(house, call, id))])))

  command
    .command('settle <id>')
    .description('says what became of a create whose outcome is not known')
    .addOption(new Option('--found <providerId>', 'it was made: its id at the provider').conflicts('absent'))
    .option('--absent', 'it was never made: the same idempotency key may send it again')
    .addHelpText(
      'after',
      examples(
        'sessiongraph operations settle 01a1fc51-4540-7679-a16e-870c9ec09ee5 --absent',
        'sessiongraph operations settle signup-1337 --found vs_1a2b3c',
      ),
    )
    .action((id: string, options: { found?: string; absent?: boolean }, self: Command) => {
      if (!options.found && !options.absent) self.error('error: expected --found <providerId> or --absent')
      return withHouse(cli, async (house, call) => {
        const operation = await find(house, call, id)
        const { settleFound, settleAbsent } = house.services.operations
        await writeDown(house, call, options.found ? 'operation.settle.found' : 'operation.settle.absent', operation.id)
        const settled = await (options.found
          ? settleFound(call, operation.id, options.found)
          : settleAbsent(call, operation.id))
        cli.show([toRow(settled)])
      })
    })
}

async function find({ services }: House, call: TenantCall, id: string): Promise<CreateOperation> {
  const [byId] = await services.operations.findMany(call, [id])
  return byId ?? services.operations.get(call, { idempotencyKey: id })
}

/** What an operator needs to see. What the client sent stays sealed. */
function toRow(operation: CreateOperation) {
  return {
    id: operation.id,
    idempotencyKey: operation.idempotencyKey,
    kind: operation.kind,
    provider: operation.provider,
    state: operation.state,
    reference: operation.reference,
    sentAt: operation.sentAt?.toISOString() ?? null,
    tries: operation.attemptsMade,
    nextCheckAt: operation.nextCheckAt?.toISOString() ?? null,
    recordId: operation.recordId,
    recovered: operation.recovered,
    error: operation.lastError && `${operation.lastError.code}: ${operation.lastError.message}`,
  }
}
