import { createHash } from 'node:crypto'

/** What GraphiQL's page has beyond what @graphql-yoga/render-graphiql renders. */

/** The icon of the console. */
export const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#3a45b8"/><path d="M7 22l6-7 5 4 7-10" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></svg>',
)}`

/** On a phone the panes stand below each other, and the buttons of the sidebar at the bottom. */
const STYLE = `
.graphiql-container .graphiql-logo { display: flex; align-items: center; }
.graphiql-logo svg { display: none; }
.graphiql-logo::before { content: ''; width: 24px; height: 24px; margin-right: 8px; background: url("${ICON}") center / contain no-repeat; }
@media (max-width: 700px) {
  .graphiql-container > .graphiql-container { flex-direction: column-reverse; }
  .graphiql-container .graphiql-sidebar { flex-direction: row; width: auto; padding: 4px 8px; }
  .graphiql-container .graphiql-sidebar > button { margin-top: 0 !important; }
  .graphiql-container .graphiql-main { flex: 1; min-height: 0; width: 100%; }
  .graphiql-container .graphiql-main > .graphiql-horizontal-drag-bar { display: none; }
  .graphiql-container .graphiql-sessions { margin: 0; border-radius: 0; min-width: 0; }
  .graphiql-container .graphiql-session-header { height: 48px; }
  .graphiql-container .graphiql-tabs { flex: 1; overflow-x: auto; }
  .graphiql-container .graphiql-logo { display: none; }
  .graphiql-sessions > div:has(> .graphiql-editors) { flex-direction: column; padding-bottom: 0; }
  .graphiql-sessions > div > .graphiql-horizontal-drag-bar { display: none; }
  .graphiql-container .graphiql-editors { flex: 3 1 0% !important; min-height: 0; width: auto; margin: 0 8px; }
  .graphiql-container .graphiql-response { flex: 2 1 0% !important; min-height: 0; width: auto; margin: 8px; }
  .graphiql-container .graphiql-plugin:not([style*='opacity: 0']) { position: absolute !important; z-index: 5;
    inset: 0 0 53px; width: auto; overflow: auto; background: hsl(var(--color-base)); }
}
`

/**
 * GraphiQL takes a click in which the pointer moves a little for the start of dragging a tab, so the tab is opened here. On a
 * reload it opens a new tab unless the stored query and variables are those of one: here they are those of the active tab.
 */
const SCRIPT = `
(() => {
  try {
    const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState') ?? '{}')
    const active = tabs?.[activeTabIndex]
    for (const name of active ? ['query', 'variables'] : []) {
      if (active[name]) localStorage.setItem('graphiql:' + name, active[name])
      else localStorage.removeItem('graphiql:' + name)
    }
  } catch {}
  const MOVED = 8
  let pressed
  addEventListener('pointerdown', event => {
    const tab = event.button === 0 ? event.target.closest?.('.graphiql-tab-button') : undefined
    pressed = tab && { tab, x: event.clientX, y: event.clientY }
  }, true)
  addEventListener('pointerup', event => {
    if (!pressed || Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > MOVED) return
    const { tab } = pressed
    setTimeout(() => {
      if (!tab.closest('.graphiql-tab-active')) tab.click()
    }, 0)
  }, true)
})()
`

/** The page with its style, its script and a viewport. */
export function completePage(html: string): string {
  const head = [
    '<meta name="viewport" content="width=device-width, initial-scale=1" />',
    `<style>${STYLE}</style>`,
    `<script>${SCRIPT}</script>`,
  ].join('\n')
  return html.replace('</head>', () => `${head}\n</head>`)
}

/** The hashes of the page's scripts, for its content security policy. */
export function scriptHashes(html: string): readonly string[] {
  const hashes: string[] = []
  for (let from = html.indexOf('<script>'); from >= 0; ) {
    const start = from + '<script>'.length
    const end = html.indexOf('</script', start)
    hashes.push(createHash('sha256').update(html.slice(start, end)).digest('base64'))
    from = html.indexOf('<script>', end)
  }
  return hashes
}
