import type { Session } from '../src/domain/session.ts'
import { builder } from './builder.ts'
import { CHANGE_ERRORS, LOCAL_ERRORS } from './errors.ts'
import { decodeId } from './ids.ts'
import { SessionRef } from './refs.ts'
import { shortText } from './rules.ts'

/** The payload of a change to a session, and the union of it with its errors. */
function changeResult(change: string, errors: typeof CHANGE_ERRORS | typeof LOCAL_ERRORS) {
  const payload = builder.objectRef<Session>(`${change}SessionPayload`).implement({
    description: 'The session after the change.',
    fields: t => ({
      session: t.field({
        type: SessionRef,
        nullable: false,
        description: 'The session as it is now.',
        resolve: session => session,
      }),
    }),
  })
  return builder.errorUnion(`${change}SessionResult`, {
    description: 'The session after the change, or why it was not changed.',
    types: [payload, ...errors],
    resolveType: () => payload.name,
  })
}

const CancelSessionInput = builder.inputType('CancelSessionInput', {
  description: 'A session to cancel.',
  fields: t => ({ id: t.id({ required: true, description: 'Its id.' }) }),
})

const RefreshSessionInput = builder.inputType('RefreshSessionInput', {
  description: 'A session to read again.',
  fields: t => ({ id: t.id({ required: true, description: 'Its id.' }) }),
})

const LinkSessionInput = builder.inputType('LinkSessionInput', {
  description: "What to change about a session's links: left out = keep, null = remove.",
  fields: t => ({
    sessionId: t.id({ required: true, description: 'The session.' }),
    externalId: t.string({
      description: "The caller's own user id.",
      validate: shortText,
    }),
    applicantId: t.id({ description: 'An applicant, of any provider.' }),
    customerId: t.id({ description: 'A customer, of any provider.' }),
  }),
})

builder.mutationFields(t => ({
  cancelSession: t.field({
    type: changeResult('Cancel', CHANGE_ERRORS),
    description: 'Cancels a session at its provider, and shows what is then. Safe to repeat.',
    args: { input: t.arg({ type: CancelSessionInput, required: true, description: 'Which session.' }) },
    resolve: (_root, { input }, context) => context.services.sessions.cancel(context, decodeId('Session', input.id)),
  }),
  refreshSession: t.field({
    type: changeResult('Refresh', CHANGE_ERRORS),
    description: 'Reads a session at its provider now.',
    args: { input: t.arg({ type: RefreshSessionInput, required: true, description: 'Which session.' }) },
    resolve: (_root, { input }, context) =>
      context.services.sessions.refreshNow(context, decodeId('Session', input.id)),
  }),
  linkSession: t.field({
    type: changeResult('Link', LOCAL_ERRORS),
    description: 'Attaches an applicant and a customer, of any provider, to a session. No provider is told.',
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
