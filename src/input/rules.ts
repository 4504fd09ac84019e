import { z } from 'zod'
import { type InputIssue, InvalidInputError } from '../domain/errors.ts'
import { emailProblem } from '../domain/input/email.ts'
import { isJsonObject, metadataIssues } from '../domain/input/metadata.ts'
import { redirectUrlProblem, type UrlHosts } from '../domain/input/redirect-url.ts'
import { MAX_TEXT, phoneProblem, type TextRule, textProblem } from '../domain/input/text.ts'
import type { JsonObject } from '../domain/json.ts'

/** The rules of the domain as zod schemas, for the inputs of the API and of the providers. They transform no value. */

/** Settings that the input rules depend on. */
export interface InputSettings {
  /** The hosts that a URL in an input may have. */
  readonly urlHosts: UrlHosts
}

/** For stored inputs: they were validated once, so a server with stricter settings still reads them. */
export const ACCEPTED: InputSettings = { urlHosts: 'ANY' }

/** A name, an id or a key: by default 1 to 255 characters of one line. */
export function text(rule: Partial<TextRule> = {}) {
  return refined(value => textProblem(value, { max: MAX_TEXT, ...rule }))
}

export function email() {
  return refined(emailProblem)
}

export function phone() {
  return refined(phoneProblem)
}

export function redirectUrl({ urlHosts }: InputSettings) {
  return refined(value => redirectUrlProblem(value, urlHosts))
}

export function metadata() {
  return jsonObject(metadataIssues)
}

/** A JSON object. `issuesOf` returns its problems, with paths relative to it. */
export function jsonObject(issuesOf: (value: JsonObject) => readonly InputIssue[]) {
  return z.custom<JsonObject>().superRefine((value, context) => {
    const issues = isJsonObject(value) ? issuesOf(value) : [{ path: [], message: 'Expected an object.' }]
    for (const { path, message } of issues) context.addIssue({ code: 'custom', path: [...path], message })
  })
}

function refined(problemOf: (value: string) => string | undefined) {
  return z.string().superRefine((value, context) => {
    const message = problemOf(value)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
}

/** Converts the first hundred zod issues of a field's arguments. Paths start with the argument's name. */
export function toInvalidInputError(issues: readonly z.core.$ZodIssue[]): InvalidInputError {
  const reported = issues.slice(0, MAX_ISSUES)
  return new InvalidInputError(reported.map(({ path, message }) => ({ path: path.map(String), message })))
}

/** Bounds the response, whatever the size of the input. */
const MAX_ISSUES = 100
