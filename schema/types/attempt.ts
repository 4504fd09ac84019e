import { builder } from '../builder.ts'
import { attemptDetailsUnion, withProvider } from './details.ts'
import { AttemptKindEnum, AttemptStatusEnum } from './enums.ts'
import { globalIdField, providerField, providerStatusField, timestampFields } from './record-fields.ts'
import { ApplicantRef, AttemptRef, SessionRef } from './refs.ts'

builder.objectType(AttemptRef, {
  description: 'One attempt, check or review of a verification.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: t => ({
    id: globalIdField(t, 'Attempt', 'id'),
    provider: providerField(t),
    providerId: t.exposeString('providerId', {
      nullable: false,
      description:
        "The id that the provider uses for this attempt; derived from the session's id if the provider has none.",
    }),
    kind: t.expose('kind', {
      type: AttemptKindEnum,
      nullable: false,
      description: 'What the attempt is at its provider.',
    }),
    status: t.expose('status', {
      type: AttemptStatusEnum,
      nullable: false,
      description: 'Progress, the same for all providers.',
    }),
    providerStatus: providerStatusField(t),
    failureCode: t.exposeString('failureCode', {
      description: "The provider's own code of the failure. Values are added.",
    }),
    riskScore: t.exposeFloat('riskScore', { description: 'From 0 (no risk) to 1; null until it is assessed.' }),
    ...timestampFields(t),
    completedAt: t.expose('completedAt', { type: 'DateTime', description: 'When it ended.' }),
    session: t.field({
      type: SessionRef,
      description: 'The session it belongs to.',
      resolve: ({ sessionId }, _args, { loaders }) => (sessionId ? loaders.storedSession().load(sessionId) : null),
    }),
    applicant: t.field({
      type: ApplicantRef,
      description: 'The applicant it is about.',
      resolve: ({ applicantId }, _args, { loaders }) =>
        applicantId ? loaders.storedApplicant().load(applicantId) : null,
    }),
    details: t.field({
      type: attemptDetailsUnion.ref,
      nullable: false,
      description: 'Fields that only this provider has.',
      resolve: withProvider,
    }),
  }),
})
