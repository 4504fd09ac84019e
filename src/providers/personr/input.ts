import { z } from 'zod'

/** What the creates take, with Personr's documented rules. */

const required = z.string().regex(/\S/, { error: 'Expected a value that is not empty.' })

export const applicantInput = z.object({
  email: z.email({ error: 'Expected an e-mail address.' }),
  phone: required,
  firstName: z.string().nullish(),
  lastName: z.string().nullish(),
  flowName: required,
  sourceKey: z.string().nullish(),
  externalUserIds: z.array(z.string()).nullish(),
})
export type ApplicantInput = z.infer<typeof applicantInput>

const absent = z.undefined().optional()

/** `applicantId` is ours, `applicantProviderId` Personr's. */
export const verificationInput = z.object({
  applicant: z.union([
    z.object({ applicantId: z.string(), applicantProviderId: absent }),
    z.object({ applicantProviderId: required, applicantId: absent }),
  ]),
})
export type VerificationInput = z.infer<typeof verificationInput>
