import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** The imports and used globals of a source file. Paths are relative to the package, with slashes. */
export interface Source {
  readonly file: string
  readonly imports: readonly Import[]
  /** The last two names of each member access, such as `process.env` or `server.listen`; `process` on its own. */
  readonly uses: readonly string[]
  readonly exportsDefault: boolean
}

export interface Import {
  /** A file of this package, or the specifier of another package. */
  readonly to: string
  /** `type`: erased at run time. `lazy`: a dynamic import(). */
  readonly kind: 'eager' | 'lazy' | 'type'
}

export const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url))

/** All files in these folders, with slashes on every system. */
export function listFiles(...folders: string[]): string[] {
  return folders.flatMap(folder =>
    readdirSync(join(PACKAGE, folder), { recursive: true, encoding: 'utf8' }).map(file =>
      posix.join(folder, file.replaceAll(sep, '/')),
    ),
  )
}

export function readSources(...folders: string[]): Source[] {
  const files = listFiles(...folders).filter(file => file.endsWith('.ts'))
  return files.map(file => toSource(file, readFileSync(join(PACKAGE, file), 'utf8')))
}

export function toSource(file: string, text: string): Source {
  const nodes = allNodes(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true))
  return {
    file,
    imports: nodes.flatMap(toImport).map(({ to, kind }) => ({ to: resolve(file, to), kind })),
    uses: nodes.flatMap(toUse),
    exportsDefault: nodes.some(isDefaultExport),
  }
}

function allNodes(node: ts.Node): ts.Node[] {
  const inner: ts.Node[] = []
  ts.forEachChild(node, child => void inner.push(...allNodes(child)))
  return [node, ...inner]
}

/** Only `import type` is erased: with verbatimModuleSyntax, `import { type … }` still loads the module. */
function toImport(node: ts.Node): Import[] {
  if (ts.isImportDeclaration(node)) {
    return [{ to: textOf(node.moduleSpecifier), kind: node.importClause?.isTypeOnly ? 'type' : 'eager' }]
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
    return [{ to: textOf(node.moduleSpecifier), kind: node.isTypeOnly ? 'type' : 'eager' }]
  }
  if (ts.isImportTypeNode(node)) return [{ to: textOf(node.argument), kind: 'type' }]
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return [{ to: textOf(node.arguments[0]), kind: 'lazy' }]
  }
  return []
}

function textOf(node: ts.Node | undefined): string {
  if (node && ts.isLiteralTypeNode(node)) return textOf(node.literal)
  return node && ts.isStringLiteralLike(node) ? node.text : '<computed>'
}

function resolve(file: string, to: string): string {
  return to.startsWith('.') ? posix.join(posix.dirname(file), to) : to
}

function toUse(node: ts.Node): string[] {
  if (ts.isPropertyAccessExpression(node)) return [`${lastName(node.expression)}.${node.name.text}`]
  if (ts.isElementAccessExpression(node)) return [`${lastName(node.expression)}.${textOf(node.argumentExpression)}`]
  const alone = ts.isIdentifier(node) && node.text === 'process' && !ts.isPropertyAccessExpression(node.parent)
  return alone && !ts.isElementAccessExpression(node.parent) ? ['process'] : []
}

function lastName(node: ts.Expression): string {
  if (ts.isIdentifier(node)) return node.text
  return ts.isPropertyAccessExpression(node) ? node.name.text : '()'
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true
  if (ts.isExportSpecifier(node)) return node.name.text === 'default'
  return ts.canHaveModifiers(node) && !!ts.getModifiers(node)?.some(each => each.kind === ts.SyntaxKind.DefaultKeyword)
}
