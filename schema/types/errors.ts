import {
  type DomainError,
  IdempotencyConflictError,
  type InputIssue,
  InvalidInputError,
  NotFoundError,
  ProviderContractError,
  type ProviderError,
  ProviderRejectedError,
  ProviderUnavailableError,
  UnconfirmedError,
  UnsupportedError,
} from '../../src/domain/errors.ts'
import type { Provider } from '../../src/domain/provider.ts'
import { builder, type SchemaTypes } from '../builder.ts'
import { CapabilityEnum, ErrorCodeEnum, ProviderEnum } from './enums.ts'
import { ProviderOperationRef } from './refs.ts'

const ErrorInterface = builder.interfaceRef<DomainError>('MutationError').implement({
  description: 'An expected error of a mutation.',
  fields: t => ({
    message: t.exposeString('message', {
      nullable: false,
      description: 'Explanation for developers. Do not show it to end users and do not branch on it: use `code`.',
    }),
    code: t.expose('code', {
      type: ErrorCodeEnum,
      nullable: false,
      description: 'The machine-readable code of the error.',
    }),
    retryable: t.exposeBoolean('retryable', {
      nullable: false,
      description:
        "True if the same request may succeed later without changes; false for a provider's limit that lasts longer than an hour.",
    }),
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', {
      description: 'Seconds to wait before a retry, if known.',
    }),
  }),
})

const InputIssueRef = builder.objectRef<InputIssue>('InputIssue').implement({
  description: 'One problem of an input.',
  fields: t => ({
    path: t.exposeStringList('path', { nullable: false, description: 'The path of the field, starting at `input`.' }),
    message: t.exposeString('message', { nullable: false, description: 'What was expected there.' }),
  }),
})

const ProviderIssueRef = builder.objectRef<InputIssue>('ProviderIssue').implement({
  description: 'One problem that a provider reports.',
  fields: t => ({
    path: t.exposeStringList('path', {
      nullable: false,
      description: "The path of the field in the provider's own API.",
    }),
    message: t.exposeString('message', { nullable: false, description: 'What the provider expected there.' }),
  }),
})

builder.objectType(InvalidInputError, {
  name: 'InvalidInputError',
  description: 'The input is invalid. At most 100 problems are listed. Nothing was sent to the provider.',
  interfaces: [ErrorInterface],
  fields: t => ({
    issues: t.expose('issues', {
      type: [InputIssueRef],
      nullable: false,
      description: 'All problems of the input.',
    }),
  }),
})

builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  description: 'The record does not exist, here or at its provider.',
  interfaces: [ErrorInterface],
  fields: t => ({
    providerCode: t.exposeString('providerCode', {
      description: "The provider's own error code, if the record does not exist at the provider.",
    }),
  }),
})

builder.objectType(UnsupportedError, {
  name: 'UnsupportedError',
  description: 'The provider does not support this.',
  interfaces: [ErrorInterface],
  fields: t => ({
    provider: failedProvider(t),
    capability: t.expose('capability', {
      type: CapabilityEnum,
      nullable: false,
      description: 'The capability that the provider does not have.',
    }),
  }),
})

builder.objectType(ProviderRejectedError, {
  name: 'ProviderRejectedError',
  description: 'The provider rejected the request. It will reject the same input again.',
  interfaces: [ErrorInterface],
  fields: t => ({
    provider: failedProvider(t),
    providerCode: t.exposeString('providerCode', { description: "The provider's own error code." }),
    providerIssues: t.expose('issues', {
      type: [ProviderIssueRef],
      nullable: false,
      description: 'The problems that the provider reports.',
    }),
  }),
})

builder.objectType(ProviderUnavailableError, {
  name: 'ProviderUnavailableError',
  description:
    "The provider is unavailable, over its rate limit, rejects the server's credentials, or has none configured. Nothing was created.",
  interfaces: [ErrorInterface],
  fields: providerErrorFields,
})

builder.objectType(ProviderContractError, {
  name: 'ProviderContractError',
  description: "The provider's response did not match its documentation.",
  interfaces: [ErrorInterface],
  fields: providerErrorFields,
})

builder.objectType(UnconfirmedError, {
  name: 'UnconfirmedError',
  description:
    "The provider's outcome is unknown. Repeat the request with the same key: it is never sent twice without a check.",
  interfaces: [ErrorInterface],
  fields: t => ({
    operation: t.expose('operation', {
      type: ProviderOperationRef,
      nullable: false,
      description: 'The create operation, which is resolved later.',
    }),
  }),
})

builder.objectType(IdempotencyConflictError, {
  name: 'IdempotencyConflictError',
  description: 'The idempotency key was used with another input, or its create is still running.',
  interfaces: [ErrorInterface],
  fields: t => ({
    operation: t.expose('operation', {
      type: ProviderOperationRef,
      nullable: false,
      description: 'The create operation that has the key.',
    }),
  }),
})

function failedProvider(t: PothosSchemaTypes.ObjectFieldBuilder<SchemaTypes, { readonly provider: Provider }>) {
  return t.expose('provider', { type: ProviderEnum, nullable: false, description: 'The provider.' })
}

function providerErrorFields(t: PothosSchemaTypes.ObjectFieldBuilder<SchemaTypes, ProviderError>) {
  return {
    provider: failedProvider(t),
    providerCode: t.exposeString('providerCode', { description: "The provider's own error code, if it sent one." }),
  }
}

/** The errors of any provider call. */
export const PROVIDER_ERRORS = [ProviderRejectedError, ProviderUnavailableError, ProviderContractError] as const
/** The errors of a create. */
export const CREATE_ERRORS = [
  InvalidInputError,
  NotFoundError,
  ...PROVIDER_ERRORS,
  UnconfirmedError,
  IdempotencyConflictError,
] as const
/** The errors of a change to a session at its provider. */
export const CHANGE_ERRORS = [InvalidInputError, NotFoundError, UnsupportedError, ...PROVIDER_ERRORS] as const
/** The errors of a change that calls no provider. */
export const LOCAL_ERRORS = [InvalidInputError, NotFoundError] as const
