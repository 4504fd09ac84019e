import ts from 'typescript'

/** The casts of a file that the compiler does not check: through `unknown`, and to `never`. Biome reports those to `any`. */
export function uncheckedCasts(text: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node) => {
    if (ts.isAsExpression(node) && isUnchecked(node)) found.push(`as ${node.type.getText()}`)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, true))
  return found
}

function isUnchecked({ expression, type }: ts.AsExpression): boolean {
  const inner = ts.isParenthesizedExpression(expression) ? expression.expression : expression
  if (ts.isAsExpression(inner) && inner.type.kind === ts.SyntaxKind.UnknownKeyword) return true
  const element = ts.isArrayTypeNode(type) ? type.elementType : type
  return element.kind === ts.SyntaxKind.NeverKeyword
}
