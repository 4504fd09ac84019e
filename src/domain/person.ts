/** One of the caller's own users, known by the id that the caller gave it. What belongs to it is read apart. */
export interface Person {
  readonly externalId: string
}
