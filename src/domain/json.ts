export type Json = string | number | boolean | null | readonly Json[] | JsonObject

export interface JsonObject {
  readonly [key: string]: Json | undefined
}

/**
 * What one provider alone knows about a record, as it is stored. Its shape is that provider's zod type of its stored
 * details; shared code carries it without looking inside.
 */
export type Details = JsonObject
