import { get } from './api.js'
import { card, empty, formatTime, h, table, toLabel } from './elements.js'

/** @type {Record<string, string>} */
const ACTIONS = {
  'key.create': 'Created an API key',
  'key.revoke': 'Revoked an API key',
  'operation.settle.absent': 'Settled a request: not created',
  'operation.settle.found': 'Settled a request: created',
  'operation.settle.unchecked': 'Settled a request: created, with an id that could not be checked',
  'person.erase': 'Erased a person',
  'provider.check': 'Tested the connection to a provider',
  'provider.remove': 'Removed the settings of a provider',
  'provider.set': 'Changed the settings of a provider',
  'session.cancel': 'Cancelled a session',
  'session.refresh': 'Read a session from its provider',
  'tenant.create': 'Created the tenant',
  'webhook.dismiss': 'Dismissed a webhook delivery',
  'webhook.replay': 'Applied a webhook delivery again',
}

/** @type {import('./main.js').View<AuditAnswer>} */
export const activity = {
  title: 'Activity',
  lead: 'What operators did, here and on the command line. Each action is recorded before it runs, so failed ones are listed, too.',
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
              ['By', row => (row.actor === 'cli' ? 'Command line' : (row.actorName ?? h('code', {}, row.actor)))],
            ],
            rows,
          ),
          cut && h('p', { class: 'note' }, 'Only the newest 200 are shown.'),
        ),
  ],
}
