import {
  type ArgumentNode,
  type DirectiveNode,
  type DocumentNode,
  Kind,
  OverlappingFieldsCanBeMergedRule,
  type ValidationRule,
  validate,
  visit,
} from 'graphql'

/**
 * The fields of one response name have the same arguments and the same `@stream`. graphql's rule compares the arguments, with
 * a bound of comparisons; that of the plugin for `@stream` prints both fields of each pair. So a `@stream` is compared as an
 * argument.
 */
export const mergeRule: ValidationRule = context => {
  const document = context.getDocument()
  const compared = withStreamsAsArguments(document)
  if (compared === document) return OverlappingFieldsCanBeMergedRule(context)
  return {
    Document: () => {
      const errors = validate(context.getSchema(), compared, [OverlappingFieldsCanBeMergedRule], { maxErrors: 1 })
      for (const error of errors) context.reportError(error)
    },
  }
}

/** The document itself if it has no `@stream`. */
function withStreamsAsArguments(document: DocumentNode): DocumentNode {
  return visit(document, {
    Field: field => {
      const stream = field.directives?.find(({ name }) => name.value === 'stream')
      return stream && { ...field, arguments: [...(field.arguments ?? []), toArgument(stream)] }
    },
  })
}

function toArgument({ name, arguments: given = [] }: DirectiveNode): ArgumentNode {
  const fields = given.map(each => ({ ...each, kind: Kind.OBJECT_FIELD }) as const)
  return { kind: Kind.ARGUMENT, name: { ...name, value: '@stream' }, value: { kind: Kind.OBJECT, fields } }
}
