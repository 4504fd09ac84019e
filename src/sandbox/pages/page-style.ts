/** The stylesheet of all pages, embedded so that they load nothing else. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f3f4f8; --card: #ffffff; --line: #d9dce6; --edge: #858b9f; --text: #1b1e2b; --quiet: #585e73;
  --accent: #3a45b8; --on-accent: #ffffff; --press: #2c3594; --tint: #eef0fc;
  --good: #17663a; --good-tint: #e6f4ea; --bad: #a3231d; --bad-tint: #fceceb;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12141c; --card: #1b1e29; --line: #323748; --edge: #7d849c; --text: #eceef6; --quiet: #a9afc3;
    --accent: #a9b4ff; --on-accent: #14173a; --press: #c6ceff; --tint: #252a44;
    --good: #86d8a3; --good-tint: #17301f; --bad: #ffaaa3; --bad-tint: #3a1c1b;
  }
}
*, ::before, ::after { box-sizing: border-box }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif;
}
header, main, footer { width: min(100% - 2rem, 40rem); margin-inline: auto }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .75rem; padding-block: 1.5rem 1rem }
.mark {
  display: grid; place-items: center; width: 2.25rem; height: 2.25rem; border-radius: .6rem;
  background: var(--accent); color: var(--on-accent); font-weight: 700;
}
.provider { font-size: 1.1rem; font-weight: 650 }
.tag {
  display: inline-block; padding: .05rem .55rem; border: 1px solid var(--line); border-radius: 1rem;
  color: var(--quiet); font-size: .8rem; font-weight: 500; white-space: nowrap;
}
header .tag { margin-inline-start: auto }
main { padding: 1.75rem; border: 1px solid var(--line); border-radius: 1rem; background: var(--card) }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; letter-spacing: -.01em; text-wrap: balance }
h2 { margin: 2rem 0 .75rem; font-size: 1.05rem }
p { margin: .5rem 0 0 }
.lead, .note, footer { color: var(--quiet) }
.note, footer { font-size: .9rem }
a { color: var(--accent) }
dl, ul { margin: 0; padding: 0; list-style: none; border-block: 1px solid var(--line) }
dl > div, li { display: grid; gap: .1rem 1rem; padding-block: .6rem }
dl > div + div, li + li { border-top: 1px solid var(--line) }
dl > div { grid-template-columns: minmax(8rem, 2fr) 3fr }
dt { color: var(--quiet) }
dd { margin: 0; overflow-wrap: anywhere }
li { grid-template-columns: 1fr auto; align-items: baseline }
li > span:first-child::first-letter { text-transform: uppercase }
li .note { grid-column: 1 / -1; overflow-wrap: anywhere }
.result { margin-top: 1.5rem; padding: 1rem 1.25rem; border-inline-start: .3rem solid var(--edge); border-radius: .5rem; background: var(--tint) }
.result h2, .result p { margin: 0 } .result p { margin-top: .25rem }
.good { border-color: var(--good); background: var(--good-tint) } .good h2 { color: var(--good) }
.bad { border-color: var(--bad); background: var(--bad-tint) } .bad h2 { color: var(--bad) }
form { display: grid; gap: .5rem; padding-block: 1rem; border-top: 1px solid var(--line) }
form:first-of-type { border-top: 0; padding-top: .25rem } form:last-of-type { padding-bottom: 0 }
form p { margin: 0 }
label { font-weight: 550 }
.row { display: flex; flex-wrap: wrap; gap: .6rem } .row > * { flex: 1 1 11rem }
button, select, .button {
  min-height: 2.9rem; padding: .5rem 1.1rem; border: 1px solid var(--edge); border-radius: .6rem;
  background: var(--card); color: var(--text); font: inherit; text-align: center;
}
select { width: 100%; text-align: start }
button, .button { font-weight: 600; cursor: pointer }
.button { display: inline-block; text-decoration: none; overflow-wrap: anywhere }
.onward { margin-top: 1.25rem }
.main, .button { border-color: var(--accent); background: var(--accent); color: var(--on-accent) }
.main:hover, .button:hover { border-color: var(--press); background: var(--press) }
.danger { border-color: var(--bad); color: var(--bad) } .danger:hover { background: var(--bad-tint) }
.quiet:hover { background: var(--tint) }
:focus-visible { outline: .2rem solid var(--accent); outline-offset: .15rem }
footer { padding-block: 1rem 2.5rem; text-wrap: pretty }
@media (max-width: 32rem) {
  header { padding-block: 1rem .75rem } main { padding: 1.25rem }
  .button { display: block } h1 { font-size: 1.4rem } dl > div { grid-template-columns: 1fr }
}
`
