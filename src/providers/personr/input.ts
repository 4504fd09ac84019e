import { z } from 'zod'
import { email, phone, text } from '../../input/rules.ts'

/** The input of the creates, with Personr's documented rules. */

const MAX_EXTERNAL_USER_IDS = 50
/** The prefix of our marker among the external user ids. */
export const MARKER_PREFIX = 'sg_'

/** Any id with this prefix in a response is taken for our marker. */
export function externalIdProblem(externalId: string): string | undefined {
  if (!externalId.startsWith(MARKER_PREFIX)) return undefined
  return `Expected no id that begins with ${MARKER_PREFIX}: it is reserved.`
}

export const applicantInput = z.object({
  email: email(),
  phone: phone(),
  firstName: text().nullish(),
  lastName: text().nullish(),
  flowName: text(),
  sourceKey: text().nullish(),
  externalUserIds: z
    .array(
      text().superRefine((id, context) => {
        const message = externalIdProblem(id)
        if (message !== undefined) context.addIssue({ code: 'custom', message })
      }),
    )
    .max(MAX_EXTERNAL_USER_IDS, { error: `Expected at most ${MAX_EXTERNAL_USER_IDS} ids.` })
    .nullish(),
})
export type ApplicantInput = z.infer<typeof applicantInput>

const absent = z.undefined().optional()

/** `applicantId` is ours, `applicantProviderId` Personr's. */
export const verificationInput = z.object({
  applicant: z.union([
    z.object({ applicantId: text(), applicantProviderId: absent }),
    z.object({ applicantProviderId: text(), applicantId: absent }),
  ]),
})
export type VerificationInput = z.infer<typeof verificationInput>
