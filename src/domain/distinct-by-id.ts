/** The last value of each id, in the place of the first one. */
export function distinctById<T extends { readonly id: string }>(values: readonly T[]): T[] {
  return [...new Map(values.map(value => [value.id, value])).values()]
}
