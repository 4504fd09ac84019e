import type { Session } from '../../src/domain/records/session.ts'
import { builder } from '../builder.ts'
import { decodeId, searchedText, shortString } from '../inputs/rules.ts'
import { CHANGE_ERRORS, LOCAL_ERRORS } from '../types/errors.ts'
import { SessionRef } from '../types/refs.ts'

/** The payload of a change to a session, and its union with the expected errors. */
function changeResult(change: string, errors: typeof CHANGE_ERRORS | typeof LOCAL_ERRORS) {
  const payload = builder.objectRef<Session>(`${change}SessionPayload`).implement({
    description: 'The session after the change.',
    fields: t => ({
      session: t.field({
        type: SessionRef,
        nullable: false,
        description: 'The session in its current state.',
        resolve: session => session,
      }),
    }),
  })
  return builder.errorUnion(`${change}SessionResult`, {
    description: 'The session after the change, or the error.',
    types: [payload, ...errors],
    resolveType: () => payload.name,
  })
}

const CancelSessionInput = builder.inputType('CancelSessionInput', {
  description: 'A session to cancel.',
  fields: t => ({
    sessionId: t.id({
      required: true,
      description: 'The session, by an id of at most 255 characters.',
      validate: searchedText,
    }),
  }),
})

const LinkSessionInput = builder.inputType('LinkSessionInput', {
  description: 'The new links of a session. An omitted field stays unchanged; null removes a link.',
  fields: t => ({
    sessionId: t.id({
      required: true,
      description: 'The session, by an id of at most 255 characters.',
      validate: searchedText,
    }),
    externalId: t.string({
      description: 'Your id for this user, 1 to 255 characters.',
      validate: shortString,
    }),
    applicantId: t.id({
      description: 'An applicant, of any provider, by an id of at most 255 characters.',
      validate: searchedText,
    }),
    customerId: t.id({
      description: 'A customer, of any provider, by an id of at most 255 characters.',
      validate: searchedText,
    }),
  }),
})

builder.mutationFields(t => ({
  cancelSession: t.field({
    type: changeResult('Cancel', CHANGE_ERRORS),
    description: 'Cancels a session at its provider and returns its new state. Safe to repeat.',
    args: { input: t.arg({ type: CancelSessionInput, required: true, description: 'The session.' }) },
    resolve: (_root, { input }, context) =>
      context.services.sessions.cancel(context, decodeId('Session', input.sessionId)),
  }),
  linkSession: t.field({
    type: changeResult('Link', LOCAL_ERRORS),
    description:
      'Links a session to an applicant or customer of any provider. Stored here only; the provider is not notified.',
    args: { input: t.arg({ type: LinkSessionInput, required: true, description: 'The links.' }) },
    resolve: (_root, { input }, context) =>
      context.services.links.linkSession(context, {
        ...input,
        sessionId: decodeId('Session', input.sessionId),
        applicantId: input.applicantId && decodeId('Applicant', input.applicantId),
        customerId: input.customerId && decodeId('Customer', input.customerId),
      }),
  }),
}))
