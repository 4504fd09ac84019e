import { listAudit } from '../../db/repositories/audit-repository.ts'
import type { AdminHandler } from './handler.ts'

const MAX_ENTRIES = 200

/** The newest actions of operators, with the name of the key, and with the object. A person is known by a hash only. */
export const showAudit: AdminHandler = async ({ db, services }, { tenantId }) => {
  const names = new Map((await services.keys.list({ tenantId })).map(({ id, name }) => [id, name]))
  const entries = await listAudit(db, tenantId, MAX_ENTRIES)
  const rows = entries.map(({ id, at, actor, action, object, subjectHash }) => ({
    id,
    at,
    actor,
    actorName: names.get(actor) ?? null,
    action,
    object,
    objectName: names.get(object ?? '') ?? null,
    personHash: action.startsWith('person.') ? subjectHash : null,
  }))
  return { rows, cut: rows.length === MAX_ENTRIES }
}
