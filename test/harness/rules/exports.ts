import ts from 'typescript'

/** The exports of each module: its file, and the names that it declares or exports again. */
export interface Exports {
  readonly file: string
  readonly names: readonly string[]
}

export function toExports(file: string, text: string): Exports {
  const { statements } = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  return { file, names: [...new Set(statements.flatMap(exportedNames))] }
}

/**
 * Names that two modules export, each as `name: a.ts, b.ts`. Provider folders contain the same modules with the same
 * exports, so they are compared with shared code and not with each other; `wire.ts` is in the provider's own terms.
 */
export function repeatedExports(modules: readonly Exports[]): string[] {
  const filesOf = new Map<string, string[]>()
  for (const { file, names } of modules) {
    for (const name of names) filesOf.set(name, [...(filesOf.get(name) ?? []), file])
  }
  return [...filesOf].flatMap(([name, files]) => (collide(files) ? [`${name}: ${files.join(', ')}`] : []))
}

function collide(files: readonly string[]): boolean {
  const providers = files.map(file => PROVIDER_FILE.exec(file)?.[1])
  return files.some((file, i) =>
    files.some((other, j) => {
      if (j <= i) return false
      if (providers[i] === providers[j]) return true
      return !(providers[i] && providers[j]) && !isWire(file) && !isWire(other)
    }),
  )
}

const PROVIDER_FILE = /^src\/providers\/([^/]+)\/.+$/

function isWire(file: string): boolean {
  return file.endsWith('/wire.ts')
}

function exportedNames(statement: ts.Statement): string[] {
  if (ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)) {
    return statement.exportClause.elements.map(({ name }) => name.text)
  }
  if (!ts.canHaveModifiers(statement)) return []
  if (!ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return []
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ name }) => namesIn(name))
  const { name } = statement as Partial<ts.NamedDeclaration>
  return name && ts.isIdentifier(name) ? [name.text] : []
}

function namesIn(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text]
  return name.elements.flatMap(element => (ts.isOmittedExpression(element) ? [] : namesIn(element.name)))
}
