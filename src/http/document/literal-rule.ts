import {
  type ASTNode,
  GraphQLError,
  getNamedType,
  Kind,
  type ValidationContext,
  type ValidationRule,
  type ValueNode,
  ValuesOfCorrectTypeRule,
} from 'graphql'
import { expectedValue, foundInDocument, isReportedHere } from './expected-value.ts'

type Ancestors = readonly (ASTNode | readonly ASTNode[])[]
type Parent = ASTNode | readonly ASTNode[] | undefined
type VisitLiteral = (
  node: ASTNode,
  key?: string | number,
  parent?: Parent,
  path?: unknown,
  above?: Ancestors,
) => unknown

/**
 * graphql's ValuesOfCorrectTypeRule with messages that have the path of the literal and the expected and found value.
 * `suggestions`: whether messages may reveal the schema.
 */
export function literalRule(suggestions: boolean): ValidationRule {
  return context => {
    let literal: ASTNode | undefined
    let path = ''
    const reporting = Object.create(context, {
      reportError: { value: (error: GraphQLError) => context.reportError(placed(error)) },
    }) as ValidationContext
    const visitor = ValuesOfCorrectTypeRule(reporting) as Readonly<Record<string, VisitLiteral>>

    function placed({ message, nodes }: GraphQLError): GraphQLError {
      const type = getNamedType(context.getInputType())
      const text =
        isReportedHere(type) && isLeafLiteral(literal)
          ? expectedValue(type, foundInDocument(literal), suggestions, message)
          : message
      return new GraphQLError(`${path}: ${text}`, { nodes: nodes ?? literal })
    }

    return Object.fromEntries(
      Object.entries(visitor).map(([kind, visitLiteral]) => {
        const visit: VisitLiteral = (node, key, parent, keys, above = []) => {
          literal = node
          // The ancestors that graphql passes do not include the parent.
          path = pathTo([...above, parent, node].filter(isNode))
          return visitLiteral(node, key, parent, keys, above)
        }
        return [kind, visit]
      }),
    )
  }
}

/** Excludes null, because graphql's message for it is about the type that contains it. */
function isLeafLiteral(node: ASTNode | undefined): node is ValueNode {
  return node !== undefined && node.kind !== Kind.NULL && node.kind !== Kind.OBJECT_FIELD
}

function isNode(each: ASTNode | readonly ASTNode[] | undefined): each is ASTNode {
  return each !== undefined && !Array.isArray(each)
}

/** The path from the innermost field, directive or variable: names of arguments and input fields, and list indexes. */
function pathTo(nodes: readonly ASTNode[]): string {
  const path: (string | number)[] = []
  nodes.forEach((node, at) => {
    if (node.kind === Kind.FIELD) path.splice(0, path.length, node.name.value)
    else if (node.kind === Kind.DIRECTIVE) path.splice(0, path.length, `@${node.name.value}`)
    else if (node.kind === Kind.VARIABLE_DEFINITION) path.splice(0, path.length, `$${node.variable.name.value}`)
    else if (node.kind === Kind.ARGUMENT || node.kind === Kind.OBJECT_FIELD) path.push(node.name.value)
    else if (node.kind === Kind.LIST && at < nodes.length - 1)
      path.push(node.values.indexOf(nodes[at + 1] as ValueNode))
  })
  return path.join('.')
}
