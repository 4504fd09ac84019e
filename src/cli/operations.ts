import { type Command, Option } from 'commander'
import { DomainError } from '../domain/errors.ts'
import { CREATE_STATES, type CreateOperation, type CreateState } from '../domain/operation.ts'
import type { House } from '../house.ts'

/** What a command works with. */
export interface CliContext {
  open(): Promise<House>
  options(): { readonly tenant: string; readonly json?: boolean }
  print(text: string): void
}

/** `sessiongraph operations`: the creates whose outcome is not known, and what an operator can do about them. */
export function addOperations(program: Command, cli: CliContext): void {
  const command = program.command('operations').description('creates: what became of them, and settling what is stuck')

  command
    .command('list')
    .description('the newest creates in the states given')
    .addOption(new Option('--state <state...>', 'which states').choices(CREATE_STATES).default(['UNKNOWN']))
    .option('--limit <number>', 'how many at most', Number, 50)
    .action((options: { state: CreateState[]; limit: number }) =>
      withHouse(cli, async ({ services }, call) => {
        show(cli, await services.operations.list(call, options.state, options.limit))
      }),
    )

  command
    .command('show <id>')
    .description('one create, by its id or its idempotency key')
    .action((id: string) => withHouse(cli, async (house, call) => show(cli, [await find(house, call, id)])))

  command
    .command('settle <id>')
    .description('says what became of a create whose outcome is not known')
    .addOption(new Option('--found <providerId>', 'it was made: its id at the provider').conflicts('absent'))
    .option('--absent', 'it was never made: the same idempotency key may send it again')
    .addHelpText('after', '\nExample:\n  sessiongraph operations settle 01a1fc51-4540-7679-a16e-870c9ec09ee5 --absent')
    .action((id: string, options: { found?: string; absent?: boolean }) =>
      withHouse(cli, async (house, call) => {
        if (!options.found && !options.absent)
          throw new DomainError('BAD_REQUEST', 'Expected --found <providerId> or --absent.')
        const operation = await find(house, call, id)
        const { settleFound, settleAbsent } = house.services.operations
        show(cli, [
          await (options.found ? settleFound(call, operation.id, options.found) : settleAbsent(call, operation.id)),
        ])
      }),
    )
}

interface TenantCall {
  readonly tenantId: string
}

async function withHouse(cli: CliContext, run: (house: House, call: TenantCall) => Promise<void>): Promise<void> {
  const house = await cli.open()
  try {
    await run(house, { tenantId: cli.options().tenant })
  } finally {
    await house.close()
  }
}

async function find({ services }: House, call: TenantCall, id: string): Promise<CreateOperation> {
  const [byId] = await services.operations.findMany(call, [id])
  return byId ?? services.operations.get(call, { idempotencyKey: id })
}

function show(cli: CliContext, operations: readonly CreateOperation[]): void {
  const rows = operations.map(toRow)
  if (cli.options().json) cli.print(JSON.stringify(rows, null, 2))
  else if (rows.length === 0) cli.print('No such operations.')
  else
    for (const row of rows)
      cli.print(
        Object.entries(row)
          .map(([name, value]) => `${name.padEnd(14)} ${value ?? '–'}`)
          .join('\n'),
      )
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
