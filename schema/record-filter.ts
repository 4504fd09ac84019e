import { builder } from './builder.ts'
import { ProviderEnum } from './enums.ts'

export const RecordFilterInput = builder.inputType('RecordFilter', {
  description: 'Which records: all conditions have to hold; one that is left out does not narrow.',
  fields: t => ({
    provider: t.field({ type: [ProviderEnum], description: 'At one of these providers.' }),
    externalId: t.string({ description: "Of this user of the caller's." }),
    email: t.string({ description: 'With this e-mail address, whatever its case.' }),
    createdAfter: t.field({ type: 'DateTime', description: 'Made later than this.' }),
    createdBefore: t.field({ type: 'DateTime', description: 'Made earlier than this.' }),
  }),
})
