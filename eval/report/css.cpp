#include "eval/report/html.hpp"

namespace kedit {

std::string_view report_css() {
  return R"css(
:root {
  color-scheme: light dark;
  --paper: #f6f7f9; --card: #ffffff; --ink: #16202c; --soft: #55616f; --line: #dfe4ea;
  --head: #eef1f5; --accent: #0b63c5; --good: #11734b; --good-bg: #def5ea; --bad: #9b2c2c;
  --bad-bg: #fbe9e7; --old: #85560a; --old-bg: #fdf1d6; --track: #e8ecf1; --whisker: #16202c;
  --s0: #1f6fd6; --s1: #d9622b; --s2: #0f8a78; --s3: #8a4fc4; --s4: #b98a00; --s5: #c23a6b;
  --c0: #6b7786; --c1: #8f9aa8; --c2: #b3bcc8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0f141a; --card: #171e27; --ink: #e7ecf2; --soft: #9daab9; --line: #2a3441;
    --head: #1d2631; --accent: #7db8ff; --good: #6fdcaa; --good-bg: #123527; --bad: #ff9d94;
    --bad-bg: #3d1f1e; --old: #f0c36a; --old-bg: #3a2c10; --track: #242e3a; --whisker: #e7ecf2;
    --s0: #5aa2f7; --s1: #f08a55; --s2: #3fc0ac; --s3: #b78bea; --s4: #dcb53d; --s5: #ec7ba3;
    --c0: #8c98a7; --c1: #707c8b; --c2: #566170;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main, header.top > div, footer { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem; }
header.top { background: var(--card); border-bottom: 1px solid var(--line); padding: 1.75rem 0 1.4rem; }
.brand { color: var(--accent); font-weight: 700; letter-spacing: .06em; font-size: .8rem;
  text-transform: uppercase; margin: 0 0 .25rem; }
h1 { font-size: clamp(1.5rem, 4.5vw, 2.1rem); line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.4rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0 0 .6rem; }
p { margin: .4rem 0 .8rem; }
.lead { color: var(--soft); margin: .45rem 0 0; max-width: 60rem; }
.note { color: var(--soft); font-size: .9rem; max-width: 52rem; }
code, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .86em; }
code { overflow-wrap: anywhere; }
nav.runs { display: flex; flex-wrap: wrap; gap: .4rem 1rem; margin-top: .8rem; font-size: .9rem; }
a { color: var(--accent); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.1rem 1.25rem; }
.warn { background: var(--old-bg); color: var(--old); border-color: var(--old); margin-top: 1.4rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr)); gap: .9rem 1.6rem; margin: 0; }
.facts div { min-width: 0; }
.facts dt { color: var(--soft); font-size: .76rem; letter-spacing: .05em; text-transform: uppercase; }
.facts dd { margin: .1rem 0 0; overflow-wrap: anywhere; }
.facts dd small { display: block; color: var(--soft); font-size: .82rem; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1rem; }
.panel { padding: .9rem 1rem .6rem; }
.panel h3 { margin-bottom: .15rem; }
.panel p { margin: 0 0 .35rem; color: var(--soft); font-size: .82rem; }
.panel svg { display: block; width: 100%; height: auto; max-width: 30rem; }
svg text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; fill: var(--ink); }
svg .value { font-weight: 600; font-variant-numeric: tabular-nums; }
svg .tick { font-size: 11px; fill: var(--soft); }
svg .track { fill: var(--track); }
svg .whisker { stroke: var(--whisker); stroke-width: 1.6; }
svg .halo { stroke: var(--card); stroke-width: 3.6; opacity: .55; }
svg .grid { stroke: var(--card); stroke-width: 1; opacity: .7; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 12px; background: var(--card);
  -webkit-overflow-scrolling: touch; }
.scroll:focus-visible, summary:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: .92rem; }
caption { text-align: left; padding: .8rem 1rem; color: var(--soft); font-size: .88rem; }
th, td { padding: .55rem .9rem; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
thead th { background: var(--head); border-top: 0; font-weight: 600; white-space: nowrap; vertical-align: bottom; }
thead th small { display: block; font-weight: 400; color: var(--soft); }
tbody th { font-weight: 500; position: sticky; left: 0; background: var(--card); min-width: 9.5rem; }
thead th:first-child { position: sticky; left: 0; z-index: 1; }
tbody th small { display: block; color: var(--soft); font-weight: 400; font-size: .8rem; }
td.num { font-variant-numeric: tabular-nums; white-space: nowrap; }
td.num b { font-weight: 650; }
td.num small { display: block; color: var(--soft); font-size: .78rem; }
td.best b { color: var(--accent); }
.control { background: color-mix(in srgb, var(--head) 55%, var(--card)); }
th.first-control, td.first-control { border-left: 2px solid var(--line); }
tr.section th { background: var(--head); color: var(--soft); font-size: .76rem; letter-spacing: .05em;
  text-transform: uppercase; padding: .35rem .9rem; position: static; }
details { border: 1px solid var(--line); border-radius: 12px; background: var(--card); margin: .6rem 0; }
details > summary { cursor: pointer; padding: .7rem 1rem; border-radius: 12px; }
details[open] > summary { border-bottom: 1px solid var(--line); border-radius: 12px 12px 0 0; }
details > .inside { padding: .9rem 1rem 1.1rem; }
details .scroll { border-radius: 8px; }
summary .where { color: var(--soft); font-size: .82rem; margin-right: .5rem; }
summary .ask { font-weight: 500; }
summary .marks { display: flex; flex-wrap: wrap; gap: .3rem .5rem; margin: .35rem 0 0 1rem; }
.chip { display: inline-block; border-radius: 999px; padding: .05rem .6rem; margin: .08rem 0;
  font-size: .78rem; max-width: 100%; overflow-wrap: anywhere; }
.right { background: var(--good-bg); color: var(--good); }
.wrong { background: var(--bad-bg); color: var(--bad); }
.old { background: var(--old-bg); color: var(--old); }
.plain { background: var(--head); color: var(--soft); }
ul.edits, ol.chain { margin: .2rem 0 .9rem; padding-left: 1.2rem; }
ul.edits li, ol.chain li { margin: .15rem 0; overflow-wrap: anywhere; }
del { color: var(--soft); }
ins { text-decoration: none; font-weight: 650; color: var(--accent); }
.answers td { min-width: 11rem; overflow-wrap: anywhere; }
.answers .thoughts { display: block; color: var(--soft); font-size: .84rem; margin-top: .2rem; }
dl.terms { display: grid; grid-template-columns: minmax(9rem, 15rem) minmax(0, 1fr); gap: .5rem 1.2rem; margin: 0; font-size: .93rem; }
dl.terms dt { font-weight: 600; overflow-wrap: anywhere; }
dl.terms dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) {
  body { font-size: 15px; }
  main, header.top > div, footer { padding: 0 .9rem; }
  dl.terms { grid-template-columns: minmax(0, 1fr); gap: .1rem; }
  dl.terms dd { margin-bottom: .7rem; color: var(--soft); }
  th, td { padding: .5rem .65rem; }
  tbody th { min-width: 7.5rem; max-width: 9rem; }
  table.answers, table.answers tbody, table.answers tr, table.answers td, table.answers th { display: block; }
  table.answers thead { display: none; }
  table.answers tbody th { position: static; max-width: none; border-top: 2px solid var(--line); padding-bottom: 0; }
  table.answers td { border-top: 0; padding: .25rem .65rem .4rem; }
  table.answers td::before { content: attr(data-label); display: block; color: var(--soft); font-size: .74rem;
    letter-spacing: .04em; text-transform: uppercase; }
}
footer { color: var(--soft); font-size: .85rem; padding-top: 2rem; padding-bottom: 2.5rem; }
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --head: #f0f0f0; }
  body { font-size: 10.5pt; }
  .scroll { overflow: visible; }
  details:not([open]) { display: none; }
  .card, .panel, tr, details { break-inside: avoid; }
  h2 { break-after: avoid; }
}
)css";
}

}  // namespace kedit
