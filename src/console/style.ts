/** The one style sheet, served from the console itself: its policy allows nothing else. Light and dark follow the reader. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f6f7f9, #14171c);
  --card: light-dark(#ffffff, #1d2128);
  --ink: light-dark(#1a1f27, #e6e9ee);
  --quiet: light-dark(#566070, #9aa5b4);
  --line: light-dark(#d5dae1, #353c47);
  --code: light-dark(#f0f2f5, #161a20);
  --yes: light-dark(#17653a, #227345);
  --no: light-dark(#a32626, #e0706b);
  --warn: light-dark(#fff0c2, #4d3c06);
  --focus: light-dark(#1a56c4, #7fb0ff);
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
header, main, footer { max-width: 54rem; margin: 0 auto; padding: 0 1.25rem; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; padding-top: 1rem; padding-bottom: 1rem; }
header strong { font-size: 1.1rem; }
header .who { margin-left: auto; color: var(--quiet); }
footer { color: var(--quiet); font-size: .875rem; padding-top: 1.5rem; padding-bottom: 2rem; }
h1 { font-size: 1.35rem; line-height: 1.3; margin: 0 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.25rem; margin-bottom: 1rem; }
.note { border-left: 4px solid var(--focus); }
.bad { border-left: 4px solid var(--no); }
.good { border-left: 4px solid var(--yes); }
dl { display: grid; grid-template-columns: 8rem 1fr; gap: .35rem 1rem; margin: 0; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; overflow: hidden; }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
pre, code, .id { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .9rem; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 6px; padding: .75rem; margin: 0;
  overflow: hidden; white-space: pre-wrap; overflow-wrap: anywhere; direction: ltr; }
mark { background: var(--warn); color: inherit; border-radius: 3px; padding: 0 2px; unicode-bidi: isolate; direction: ltr; }
form { margin: 0; }
.card > form, .card > .row { margin-top: 1.25rem; }
label { display: block; font-weight: 600; margin-bottom: .35rem; }
input[type=text] { font: 1.35rem ui-monospace, Menlo, Consolas, monospace; letter-spacing: .12em; width: 14rem; max-width: 100%;
  padding: .4rem .6rem; border: 1px solid var(--quiet); border-radius: 6px; background: var(--ground); color: var(--ink); }
button { font: inherit; padding: .45rem 1.1rem; border-radius: 6px; border: 1px solid var(--quiet); background: var(--card);
  color: var(--ink); cursor: pointer; }
button.yes { background: var(--yes); border-color: var(--yes); color: #fff; font-weight: 600; }
button.no { border-color: var(--no); color: var(--no); font-weight: 600; }
button.link { border: 0; background: none; padding: 0; color: var(--focus); text-decoration: underline; font-weight: 600; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; }
.list { list-style: none; padding: 0; margin: 0; }
.list li { padding: .75rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.list li:first-child { border-top: 0; padding-top: 0; }
.list small { display: block; color: var(--quiet); }
`;
