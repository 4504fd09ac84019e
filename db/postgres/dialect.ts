import {
  type BinaryOperationNode,
  type DataTypeNode,
  type Dialect,
  OperatorNode,
  PostgresDialect,
  PostgresQueryCompiler,
  PrimitiveValueListNode,
} from 'kysely'
import { createPostgresPool, type PostgresSettings } from './pool.ts'

/** PostgreSQL with a connection pool, which connects on the first statement. */
export function createPostgresDialect(url: string, settings: PostgresSettings): Dialect {
  const dialect = new PostgresDialect({ pool: async () => createPostgresPool(url, settings) })
  return {
    createAdapter: () => dialect.createAdapter(),
    createDriver: () => dialect.createDriver(),
    createIntrospector: db => dialect.createIntrospector(db),
    createQueryCompiler: () => new Compiler(),
  }
}

class Compiler extends PostgresQueryCompiler {
  /**
   * Text columns compare by bytes, as in SQLite: pages have the same order in both, and an upgrade of the system's collations
   * breaks no index.
   */
  protected override visitDataType(node: DataTypeNode): void {
    super.visitDataType(node)
    const isColumn = this.parentNode?.kind === 'ColumnDefinitionNode'
    if (isColumn && (node.dataType === 'text' || node.dataType.startsWith('varchar'))) this.append(' collate "C"')
  }

  /** PostgreSQL has no empty list, which SQLite has. */
  protected override visitBinaryOperation(node: BinaryOperationNode): void {
    const { operator, rightOperand } = node
    const isEmpty = PrimitiveValueListNode.is(rightOperand) && rightOperand.values.length === 0
    if (isEmpty && OperatorNode.is(operator)) this.append(operator.operator === 'in' ? 'false' : 'true')
    else super.visitBinaryOperation(node)
  }
}
