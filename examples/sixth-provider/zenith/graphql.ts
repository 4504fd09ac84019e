import { decide, PARENT } from '../../../schema/access.ts'
import { builder } from '../../../schema/builder.ts'
import { sessionDetails } from '../../../schema/details.ts'
import { providerSessionInput } from '../../../schema/provider-inputs.ts'
import { sessionInput } from './input.ts'
import type { SessionDetails } from './mapper.ts'

sessionDetails.join(
  'ZENITH',
  builder.objectRef<SessionDetails>('ZenithCheck').implement({
    description: 'What Zenith alone knows about a session.',
    fields: t => ({
      level: t.exposeString('level', { description: 'How much is checked: `basic` or `full`.' }),
    }),
  }),
)

const ZenithSessionInput = builder.inputType('ZenithSessionInput', {
  description: 'A check at Zenith.',
  validate: { schema: sessionInput },
  fields: t => ({
    level: t.string({ required: true, description: 'How much is checked: `basic` or `full`.' }),
    returnTo: t.field({
      type: 'URL',
      description: 'Where the end user goes afterwards: https, or http on localhost.',
    }),
  }),
})

providerSessionInput.join({
  field: 'zenith',
  description: 'A check at Zenith.',
  type: ZenithSessionInput,
  toRequest: input => ({ provider: 'ZENITH', input }),
})

decide('ZenithCheck', [PARENT, ['level']])
