import {
  type ArgumentNode,
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql'
import { fragmentsOf } from '../document/query-complexity.ts'

/** An operation in which each @defer and @stream has a label of its own, by which its parts are known. */
export interface LabeledOperation {
  readonly document: DocumentNode
  readonly operation: OperationDefinitionNode
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly variables: Readonly<Record<string, unknown>>
  /** The client's label for each of ours; undefined where it gave none. */
  readonly labels: ReadonlyMap<string, string | undefined>
}

/** `variables`: with the defaults of the operation. Undefined if the document has no such operation. */
export function labelOperation(
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>>,
): LabeledOperation | undefined {
  const labels = new Map<string, string | undefined>()
  const labeled = visit(document, {
    Directive: node => {
      if (node.name.value !== 'defer' && node.name.value !== 'stream') return undefined
      const label = String(labels.size)
      labels.set(label, labelOf(node))
      return { ...node, arguments: [...otherArguments(node), toLabel(label)] }
    },
  })
  const operation = getOperationAST(labeled, operationName)
  return operation ? { document: labeled, operation, fragments: fragmentsOf(labeled), variables, labels } : undefined
}

function labelOf({ arguments: given = [] }: DirectiveNode): string | undefined {
  const label = given.find(({ name }) => name.value === 'label')?.value
  return label?.kind === Kind.STRING ? label.value : undefined
}

function otherArguments({ arguments: given = [] }: DirectiveNode): readonly ArgumentNode[] {
  return given.filter(({ name }) => name.value !== 'label')
}

function toLabel(value: string): ArgumentNode {
  return {
    kind: Kind.ARGUMENT,
    name: { kind: Kind.NAME, value: 'label' },
    value: { kind: Kind.STRING, value },
  }
}
