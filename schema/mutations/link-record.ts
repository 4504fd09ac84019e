import type { Applicant } from '../../src/domain/records/applicant.ts'
import type { Customer } from '../../src/domain/records/customer.ts'
import { builder } from '../builder.ts'
import { decodeId, searchedText, shortString } from '../inputs/rules.ts'
import { LOCAL_ERRORS } from '../types/errors.ts'
import { ApplicantRef, CustomerRef } from '../types/refs.ts'

const LinkApplicantInput = builder.inputType('LinkApplicantInput', {
  description: 'The new externalId of an applicant. Omit it to leave it unchanged; null removes it.',
  fields: t => ({
    applicantId: t.id({
      required: true,
      description: 'The applicant, by an id of at most 255 characters.',
      validate: searchedText,
    }),
    externalId: t.string({ description: 'Your id for this user, 1 to 255 characters.', validate: shortString }),
  }),
})

const LinkCustomerInput = builder.inputType('LinkCustomerInput', {
  description: 'The new externalId of a customer. Omit it to leave it unchanged; null removes it.',
  fields: t => ({
    customerId: t.id({
      required: true,
      description: 'The customer, by an id of at most 255 characters.',
      validate: searchedText,
    }),
    externalId: t.string({ description: 'Your id for this user, 1 to 255 characters.', validate: shortString }),
  }),
})

const LinkApplicantPayload = builder.objectRef<Applicant>('LinkApplicantPayload').implement({
  description: 'The applicant after the change.',
  fields: t => ({
    applicant: t.field({
      type: ApplicantRef,
      nullable: false,
      description: 'The applicant in its current state.',
      resolve: applicant => applicant,
    }),
  }),
})

const LinkCustomerPayload = builder.objectRef<Customer>('LinkCustomerPayload').implement({
  description: 'The customer after the change.',
  fields: t => ({
    customer: t.field({
      type: CustomerRef,
      nullable: false,
      description: 'The customer in its current state.',
      resolve: customer => customer,
    }),
  }),
})

/** It changes the linked sessions, too. */
const COST_OF_LINK = { cost: 20 }

builder.mutationFields(t => ({
  linkApplicant: t.field({
    type: builder.errorUnion('LinkApplicantResult', {
      description: 'The applicant after the change, or the error.',
      types: [LinkApplicantPayload, ...LOCAL_ERRORS],
      resolveType: () => 'LinkApplicantPayload',
    }),
    description:
      'Sets the externalId of an applicant, and of its sessions that follow it, at most 10,000. Stored here only; the provider is not notified.',
    extensions: COST_OF_LINK,
    args: {
      input: t.arg({ type: LinkApplicantInput, required: true, description: 'The applicant and its externalId.' }),
    },
    resolve: (_root, { input }, context) =>
      context.services.links.linkApplicant(context, decodeId('Applicant', input.applicantId), input.externalId),
  }),
  linkCustomer: t.field({
    type: builder.errorUnion('LinkCustomerResult', {
      description: 'The customer after the change, or the error.',
      types: [LinkCustomerPayload, ...LOCAL_ERRORS],
      resolveType: () => 'LinkCustomerPayload',
    }),
    description:
      'Sets the externalId of a customer, and of its sessions that follow it, at most 10,000. Stored here only; the provider is not notified.',
    extensions: COST_OF_LINK,
    args: {
      input: t.arg({ type: LinkCustomerInput, required: true, description: 'The customer and its externalId.' }),
    },
    resolve: (_root, { input }, context) =>
      context.services.links.linkCustomer(context, decodeId('Customer', input.customerId), input.externalId),
  }),
}))
