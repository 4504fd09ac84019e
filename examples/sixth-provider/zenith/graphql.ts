import { defineRule, INHERIT } from '../../../schema/authorization/authorization.ts'
import { builder } from '../../../schema/builder.ts'
import { providerSessionInput } from '../../../schema/mutations/provider-inputs.ts'
import { sessionDetailsUnion } from '../../../schema/types/details.ts'
import { sessionInputOf } from './input.ts'
import type { SessionDetails } from './mapper.ts'

sessionDetailsUnion.join(
  'ZENITH',
  builder.objectRef<SessionDetails>('ZenithSessionDetails').implement({
    description: 'What Zenith alone knows about a session.',
    fields: t => ({
      level: t.exposeString('level', { description: 'How much is checked: `basic` or `full`.' }),
    }),
  }),
)

const ZenithSessionInput = builder.inputType('ZenithSessionInput', {
  description: 'A check at Zenith.',
  rules: sessionInputOf,
  fields: t => ({
    level: t.string({ required: true, description: 'How much is checked: `basic` or `full`, 4 or 5 characters.' }),
    redirectUrl: t.field({
      type: 'URL',
      description: 'Where the end user goes afterwards, at most 2048 characters.',
    }),
  }),
})

providerSessionInput.join({
  field: 'zenith',
  description: 'A check at Zenith.',
  type: ZenithSessionInput,
  toRequest: input => ({ provider: 'ZENITH', input }),
})

defineRule('ZenithSessionDetails', [INHERIT, ['level']])
