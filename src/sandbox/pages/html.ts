/** Escaped markup. Only `html` creates it. */
export interface Html {
  readonly markup: string
}

type Value = string | number | Html | readonly Html[] | undefined

/** A template that escapes its values, except Html values. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return { markup: parts.map((part, index) => part + toMarkup(values[index])).join('') }
}

function toMarkup(value: Value): string {
  if (value === undefined) return ''
  if (typeof value === 'object') return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('')
  return String(value).replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
