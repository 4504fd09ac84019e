import {
  type DomainError,
  IdempotencyConflictError,
  type InputIssue,
  InvalidInputError,
  NotFoundError,
  OutcomeUnknownError,
  ProviderContractError,
  ProviderRejectedError,
  ProviderUnavailableError,
  UnsupportedError,
} from '../src/domain/errors.ts'
import { builder } from './builder.ts'
import { CapabilityEnum, ErrorCodeEnum, ProviderEnum } from './enums.ts'
import { CreateOperationRef } from './refs.ts'

const ErrorInterface = builder.interfaceRef<DomainError>('Error').implement({
  description: 'An error that can be expected.',
  fields: t => ({
    message: t.exposeString('message', {
      nullable: false,
      description: 'A sentence for a person. Never branch on it.',
    }),
    code: t.expose('code', {
      type: ErrorCodeEnum,
      nullable: false,
      description: 'What to branch on.',
    }),
  }),
})

const InputIssueRef = builder.objectRef<InputIssue>('InputIssue').implement({
  description: 'One thing that is wrong with an input.',
  fields: t => ({
    path: t.exposeStringList('path', { nullable: false, description: 'Where, from `input` on.' }),
    message: t.exposeString('message', { nullable: false, description: 'What was expected there.' }),
  }),
})

builder.objectType(InvalidInputError, {
  name: 'InvalidInputError',
  description: 'The input breaks rules; every broken one is listed. Nothing was sent.',
  interfaces: [ErrorInterface],
  fields: t => ({
    issues: t.expose('issues', {
      type: [InputIssueRef],
      nullable: false,
      description: 'All that is wrong, at once.',
    }),
  }),
})

builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  description: 'There is no such record, here or at its provider.',
  interfaces: [ErrorInterface],
})

builder.objectType(UnsupportedError, {
  name: 'UnsupportedError',
  description: 'The provider has no such thing.',
  interfaces: [ErrorInterface],
  fields: t => ({
    provider: t.expose('provider', {
      type: ProviderEnum,
      nullable: false,
      description: 'The provider.',
    }),
    capability: t.expose('capability', {
      type: CapabilityEnum,
      nullable: false,
      description: 'What it lacks.',
    }),
  }),
})

builder.objectType(ProviderRejectedError, {
  name: 'ProviderRejectedError',
  description: 'The provider said no. The same input will be refused again.',
  interfaces: [ErrorInterface],
  fields: t => ({
    provider: t.expose('provider', {
      type: ProviderEnum,
      nullable: false,
      description: 'The provider.',
    }),
    providerCode: t.exposeString('providerCode', { description: "The provider's own code." }),
    issues: t.expose('issues', {
      type: [InputIssueRef],
      nullable: false,
      description: "What it did not accept, with paths in the provider's words.",
    }),
  }),
})

builder.objectType(ProviderUnavailableError, {
  name: 'ProviderUnavailableError',
  description:
    'The provider cannot serve us now: down, too busy, our credentials refused, or none set. Nothing was made.',
  interfaces: [ErrorInterface],
  fields: t => ({
    provider: t.expose('provider', {
      type: ProviderEnum,
      nullable: false,
      description: 'The provider.',
    }),
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', { description: 'When to try again, where that is known.' }),
  }),
})

builder.objectType(ProviderContractError, {
  name: 'ProviderContractError',
  description: 'The provider answered something that its documentation does not allow.',
  interfaces: [ErrorInterface],
  fields: t => ({
    provider: t.expose('provider', {
      type: ProviderEnum,
      nullable: false,
      description: 'The provider.',
    }),
  }),
})

builder.objectType(OutcomeUnknownError, {
  name: 'OutcomeUnknownError',
  description:
    'It is not known yet whether the provider made it. Ask again with the same key; it is never sent twice blindly.',
  interfaces: [ErrorInterface],
  fields: t => ({
    operation: t.expose('operation', {
      type: CreateOperationRef,
      nullable: false,
      description: 'The create, which settles later.',
    }),
  }),
})

builder.objectType(IdempotencyConflictError, {
  name: 'IdempotencyConflictError',
  description: 'The idempotency key belongs to another input, or its create is still under way.',
  interfaces: [ErrorInterface],
  fields: t => ({
    operation: t.expose('operation', {
      type: CreateOperationRef,
      nullable: false,
      description: 'The create that has the key.',
    }),
  }),
})

/** The errors that any call to a provider can end in. */
export const PROVIDER_ERRORS = [ProviderRejectedError, ProviderUnavailableError, ProviderContractError] as const
/** The errors that a create can end in. */
export const CREATE_ERRORS = [
  InvalidInputError,
  NotFoundError,
  ...PROVIDER_ERRORS,
  OutcomeUnknownError,
  IdempotencyConflictError,
] as const
/** The errors of a change to a session at its provider. */
export const CHANGE_ERRORS = [InvalidInputError, NotFoundError, UnsupportedError, ...PROVIDER_ERRORS] as const
/** The errors of a change that stays here. */
export const LOCAL_ERRORS = [InvalidInputError, NotFoundError] as const
