import type { Applicant } from '../src/domain/applicant.ts'
import type { Customer } from '../src/domain/customer.ts'
import { builder } from './builder.ts'
import { LOCAL_ERRORS } from './errors.ts'
import { decodeId } from './ids.ts'
import { ApplicantRef, CustomerRef } from './refs.ts'
import { shortText } from './rules.ts'

const LinkRecordRef = builder.inputType('LinkRecordRef', {
  description: 'Which record.',
  isOneOf: true,
  fields: t => ({
    applicantId: t.id({ description: 'An applicant.' }),
    customerId: t.id({ description: 'A customer.' }),
  }),
})

const LinkRecordInput = builder.inputType('LinkRecordInput', {
  description: 'Gives an applicant or a customer its externalId: left out = keep, null = remove.',
  fields: t => ({
    record: t.field({ type: LinkRecordRef, required: true, description: 'Which record.' }),
    externalId: t.string({
      description: "The caller's own user id.",
      validate: shortText,
    }),
  }),
})

const LinkRecordPayload = builder
  .objectRef<{ applicant?: Applicant; customer?: Customer }>('LinkRecordPayload')
  .implement({
    description: 'The record after the change.',
    fields: t => ({
      applicant: t.expose('applicant', {
        type: ApplicantRef,
        description: 'The applicant, if it is one.',
      }),
      customer: t.expose('customer', { type: CustomerRef, description: 'The customer, if it is one.' }),
    }),
  })

builder.mutationField('linkRecord', t =>
  t.field({
    type: builder.errorUnion('LinkRecordResult', {
      description: 'The record after the change, or why it was not changed.',
      types: [LinkRecordPayload, ...LOCAL_ERRORS],
      resolveType: () => 'LinkRecordPayload',
    }),
    description: 'Gives an applicant or a customer its externalId. No provider is told.',
    args: { input: t.arg({ type: LinkRecordInput, required: true, description: 'The record and its externalId.' }) },
    resolve: (_root, { input: { record, externalId } }, context) =>
      context.services.links.linkRecord(context, {
        externalId,
        applicantId: record.applicantId && decodeId('Applicant', record.applicantId),
        customerId: record.customerId && decodeId('Customer', record.customerId),
      }),
  }),
)
