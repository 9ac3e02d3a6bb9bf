// The look of the reference: the system's fonts, light or dark as the reader has it, readable on a phone.

export const style = `
:root { color-scheme: light dark; --back: #fff; --side: #f6f7f9; --text: #1c2430; --soft: #5b6675;
  --line: #dfe3e8; --code: #f3f5f8; --link: #0b62c4;
  --get: #0b62c4; --post: #18794e; --put: #8a5a00; --patch: #8a5a00; --delete: #b42318 }
@media (prefers-color-scheme: dark) { :root { --back: #12161c; --side: #171c24; --text: #e4e8ee;
  --soft: #98a3b3; --line: #2a323d; --code: #1b222c; --link: #77b4ff;
  --get: #77b4ff; --post: #5fd39b; --put: #f0c060; --patch: #f0c060; --delete: #ff8a7a } }
* { box-sizing: border-box }
html { scroll-padding-top: 1rem }
body { margin: 0; background: var(--back); color: var(--text); display: grid;
  grid-template-columns: 20rem minmax(0, 1fr); font: 15px/1.55 system-ui, sans-serif }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1.25rem 1rem;
  background: var(--side); border-right: 1px solid var(--line); font-size: 13px }
nav h2 { margin: 1.1rem 0 .3rem; font-size: 12px; letter-spacing: .04em; text-transform: uppercase;
  color: var(--soft) }
nav ol { list-style: none; margin: 0; padding: 0 }
nav li a { display: flex; gap: .5rem; padding: .18rem .3rem; color: inherit; border-radius: 4px }
nav li a:hover { background: var(--line); text-decoration: none }
nav .method { flex: 0 0 3.4rem; font-size: 11px; line-height: 1.8 }
nav .path { overflow-wrap: anywhere }
main { padding: 1.5rem 2.5rem 6rem; max-width: 66rem }
h1 { margin: 0; font-size: 1.5rem }
main > h2 { margin: 3rem 0 0; padding-bottom: .3rem; border-bottom: 1px solid var(--line) }
section { margin: 2rem 0 }
section h3 { margin: 0 0 .2rem; font: 600 15px/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
h4 { margin: 1rem 0 .3rem; font-size: 13px; color: var(--soft) }
p { margin: .3rem 0 }
a { color: var(--link); text-decoration: none }
a:hover { text-decoration: underline }
.method { font: 700 13px ui-monospace, monospace; text-transform: uppercase }
.get { color: var(--get) } .post { color: var(--post) } .put { color: var(--put) }
.patch { color: var(--patch) } .delete { color: var(--delete) }
table { width: 100%; border-collapse: collapse; font-size: 14px }
td { padding: .35rem .75rem .35rem 0; border-top: 1px solid var(--line); vertical-align: top }
td:first-child { width: 14rem; overflow-wrap: anywhere }
code, pre { font: 13px/1.5 ui-monospace, monospace }
pre { margin: .4rem 0; padding: .7rem .9rem; background: var(--code); border-radius: 6px;
  overflow-x: auto }
i { font-style: normal; color: var(--soft) }
.note, .in { color: var(--soft); font-family: system-ui, sans-serif; font-size: 13px }
summary { cursor: pointer; font: 600 14px ui-monospace, monospace }
@media (max-width: 55rem) { body { display: block } main { padding: 1.25rem }
  nav { position: static; height: auto; max-height: 40vh } td:first-child { width: 9rem } }
`
