import ts from 'typescript'

/** Where a message for clients is created, with its place among the arguments. */
const CREATORS: Readonly<Record<string, number>> = {
  badRequest: 0,
  DomainError: 1,
  GraphQLError: 0,
  httpError: 1,
  NotFoundError: 0,
  toErrorBody: 0,
}

/** The messages that a source file creates for clients: also those in a constant. A value in a template is "…". */
export function messagesIn(text: string): string[] {
  const file = ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, true)
  const constants = new Map<string, ts.Expression>()
  const messages: string[] = []
  const collect = (node: ts.Expression | undefined): void => {
    const value = node && ts.isIdentifier(node) ? constants.get(node.text) : node
    if (!value) return
    if (ts.isConditionalExpression(value)) [value.whenTrue, value.whenFalse].forEach(collect)
    else if (ts.isStringLiteralLike(value)) messages.push(value.text)
    else if (ts.isTemplateExpression(value)) messages.push(textOf(value))
  }
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && node.initializer && ts.isIdentifier(node.name)) {
      constants.set(node.name.text, node.initializer)
    }
    if ((ts.isNewExpression(node) || ts.isCallExpression(node)) && ts.isIdentifier(node.expression)) {
      const place = CREATORS[node.expression.text]
      if (place !== undefined) collect(node.arguments?.[place])
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return messages
}

/** The messages of issues: of objects with a `path` and a `message`. */
export function issueMessagesIn(text: string): string[] {
  const messages: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isObjectLiteralExpression(node)) {
      const named = (name: string) => node.properties.find(property => property.name?.getText() === name)
      const message = named('message')
      if (named('path') && message && ts.isPropertyAssignment(message))
        messages.push(...literalsOf(message.initializer))
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, true))
  return messages
}

function literalsOf(value: ts.Expression): string[] {
  if (ts.isConditionalExpression(value)) return [...literalsOf(value.whenTrue), ...literalsOf(value.whenFalse)]
  if (ts.isTemplateExpression(value)) return [textOf(value)]
  return ts.isStringLiteralLike(value) ? [value.text] : []
}

function textOf({ head, templateSpans }: ts.TemplateExpression): string {
  return head.text + templateSpans.map(({ literal }) => `…${literal.text}`).join('')
}

const REMEDIES =
  'Add|Ask|Check|Close|Compare|Connect|Correct|Create|Leave|Quote|Read|Reconnect|Register|Retry|Run|Select|Send|Set|Settle|Start|Subscribe|Use|Wait'

const WHAT_TO_DO = new RegExp(
  `^(…|[$\\w.]+)?(: )?Expected |\\bexpects |(^|[.:;,] )(or )?(${REMEDIES}|retry|select|write)\\b|\\boperator (has to|can)\\b`,
  's',
)

/** The rules that graphql-js names in its messages about variables, together with the field and the type. */
const RULES =
  /"[\w!]+" was not provided\.|is not defined by type|must be specified|must be non-null|is not one of|a POST request/

/** True for a message that begins with what is expected, names the violated rule, or has a sentence about what to do. */
export function saysWhatToDo(message: string): boolean {
  return WHAT_TO_DO.test(message) || RULES.test(message)
}
