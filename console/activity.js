import { get } from './api.js'
import { card, empty, formatTime, h, table, toLabel } from './elements.js'
import { findLink } from './search.js'

/** @type {Record<string, string>} */
const ACTIONS = {
  'key.create': 'Created an API key',
  'key.limit': 'Limited an API key',
  'key.revoke': 'Revoked an API key',
  'operation.settle.absent': 'Settle a request: not created',
  'operation.settle.found': 'Settle a request: created',
  'operation.settle.unchecked': 'Settle a request: created, with an id that could not be checked',
  'person.erase': 'Erased a person',
  'provider.check': 'Test the connection to a provider',
  'provider.remove': 'Removed the settings of a provider',
  'provider.set': 'Changed the settings of a provider',
  'records.import': 'Imported the records of a provider',
  'secrets.rotate': 'Encrypted stored values with a new key',
  'session.cancel': 'Cancel a session',
  'session.refresh': 'Read a session from its provider',
  'tenant.create': 'Created the tenant',
  'webhook.add': 'Added an address for webhooks',
  'webhook.dismiss': 'Dismiss a webhook delivery',
  'webhook.remove': 'Removed an address for webhooks',
  'webhook.replay': 'Apply a webhook delivery again',
  'webhook.rotate': 'Added a new secret to an address for webhooks',
}

/** The objects that the search finds. */
const FOUND_BY_SEARCH = /^(operation|session)\.|^webhook\.(dismiss|replay)$/

/** @param {AuditRow} row @returns {import('./elements.js').Child} */
function objectOf({ action, object, objectName, personHash }) {
  if (personHash) return h('span', { title: `Hash ${personHash}` }, 'a person, ', h('code', {}, personHash.slice(0, 8)))
  if (!object) return action.startsWith('secrets.') ? 'all tenants' : '–'
  if (action.startsWith('provider.') || action.startsWith('records.')) return toLabel(object)
  if (FOUND_BY_SEARCH.test(action)) return findLink(object)
  return objectName ?? h('code', { class: 'cut', title: object }, object)
}

/** @type {import('./main.js').View<AuditAnswer>} */
export const activity = {
  title: 'Activity',
  lead: 'What operators did, here and on the command line, and to what. An entry such as “Settle a request” is written before the action runs: it may have failed.',
  load: () => get('/audit'),
  draw: ({ rows, cut }) => [
    rows.length === 0
      ? empty('No actions yet.', 'Actions of this console and of the command line appear here.')
      : card(
          'Latest actions',
          table(
            'Newest first',
            [
              ['When', row => formatTime(row.at)],
              ['Action', row => ACTIONS[row.action] ?? toLabel(row.action.replaceAll('.', ' '))],
              ['What', row => objectOf(row), 'named'],
              [
                'By',
                row => (row.actor === 'cli' ? 'Command line' : (row.actorName ?? h('code', {}, row.actor))),
                'named',
              ],
            ],
            rows,
            'flow',
          ),
          cut && h('p', { class: 'note' }, 'Only the newest 200 are shown.'),
        ),
  ],
}
