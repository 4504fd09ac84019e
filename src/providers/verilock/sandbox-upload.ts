/** The steps that need a file of the end user. */
export const UPLOAD_STEPS = ['document', 'selfie'] as const
export type UploadStep = (typeof UPLOAD_STEPS)[number]

const SIDES: readonly unknown[] = ['front', 'back']
const DOCUMENT_TYPES: readonly unknown[] = ['passport', 'id_card', 'driving_license', 'residence_permit']

/** What is wrong with an upload's form, by field. */
export function uploadProblems(step: UploadStep, form: Readonly<Record<string, unknown>>): Record<string, string[]> {
  return {
    ...(!form.file && { file: ['The file field is required.'] }),
    ...(step === 'document' && !SIDES.includes(form.side) && { side: ['The selected side is invalid.'] }),
    ...(step === 'document' &&
      !DOCUMENT_TYPES.includes(form.document_type) && { document_type: ['The selected document type is invalid.'] }),
  }
}
