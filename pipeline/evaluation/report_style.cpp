#include "pipeline/evaluation/report_style.h"

namespace serenade {

// The heat scale runs through one hue by lightness alone, so that it reads without colour vision
// and in grey print; each step's text colour has a contrast of at least 4.5 to 1. Lines take the
// Okabe-Ito colours and differ in dashes, too.
std::string_view report_style() {
  return R"css(
:root {
  color-scheme: light dark;
  --paper: #ffffff; --panel: #f6f7f9; --ink: #1a1d21; --soft: #5a626c; --rule: #dfe3e8;
  --grid: #e8ebef; --accent: #0b5a9d; --alert: #a33a00; --bar: #8bb7e0;
  --training: #0072b2; --validation: #c04f00; --accuracy: #007a5a; --uar: #a8457f;
  --heat0: #ffffff; --heat1: #edf3fa; --heat2: #d4e4f4; --heat3: #bcd5ed; --heat4: #a4c6e7;
  --heat5: #8bb7e0; --heat6: #72a3d1; --heat7: #5989ba; --heat8: #4070a4; --heat9: #27578e;
  --heat10: #0d3f78; --on-low: #16191d; --on-middle: #16191d; --on-seven: #16191d;
  --on-high: #ffffff;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --panel: #1b1f25; --ink: #e7eaee; --soft: #a0a9b4; --rule: #2c323a;
    --grid: #262b32; --accent: #8cc4ff; --alert: #ff9d66; --bar: #3a74ae;
    --training: #56b4e9; --validation: #f0a04b; --accuracy: #3ecf9f; --uar: #e38fc2;
    --heat0: #14171b; --heat1: #1d2835; --heat2: #22374e; --heat3: #274668; --heat4: #2b5683;
    --heat5: #2e679f; --heat6: #4883be; --heat7: #6094c9; --heat8: #7faddb; --heat9: #9fc6ed;
    --heat10: #bfe0ff; --on-low: #f2f5f8; --on-middle: #0b0f14; --on-seven: #0b0f14;
    --on-high: #0b0f14;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 66rem; margin: 0 auto; padding: 4.5rem 2rem 5rem; }
h1, h2, h3 { line-height: 1.2; font-weight: 600; margin: 0; overflow-wrap: anywhere; }
h1 { font-size: 2.25rem; letter-spacing: -0.02em; }
h2 { font-size: 1.3rem; letter-spacing: -0.01em; margin-bottom: 1.1rem; }
h3 { font-size: 0.95rem; margin-bottom: 0.5rem; }
p { margin: 0 0 1rem; max-width: 44rem; }
section { margin-top: 3.5rem; }
.eyebrow { color: var(--soft); font-size: 0.9rem; margin-bottom: 0.5rem; }
.meta { color: var(--soft); margin: 0.7rem 0 0; overflow-wrap: anywhere; max-width: none; }

.headline {
  display: grid; grid-template-columns: repeat(3, 1fr); margin-top: 2.5rem;
  border-top: 2px solid var(--ink); border-bottom: 1px solid var(--rule);
}
.headline > div { padding: 1.2rem 1.5rem 1.4rem 0; }
.headline > div + div { padding-left: 1.5rem; border-left: 1px solid var(--rule); }
.headline .name { font-weight: 600; }
.headline .value { font-size: 3.1rem; line-height: 1.15; font-weight: 600; letter-spacing: -0.03em; }
.headline .value small { font-size: 1.4rem; font-weight: 400; color: var(--soft); letter-spacing: 0; }
.headline .spread { color: var(--soft); }
.headline .on { font-size: 0.9rem; color: var(--soft); margin-top: 0.35rem; }
.headline + .meta { font-size: 0.95rem; }
.meta b { color: var(--accent); font-weight: 600; overflow-wrap: anywhere; }
.protocol { font-size: 1.08rem; }
.remarks { list-style: none; margin: 1.2rem 0 0; padding: 0; max-width: 48rem; }
.remarks li {
  padding: 0.55rem 1rem; margin-bottom: 0.5rem; background: var(--panel);
  border-left: 3px solid var(--bar); overflow-wrap: anywhere;
}
.remarks .warning { border-left-color: var(--alert); }
.remarks b { margin-right: 0.35rem; }
.alert { color: var(--alert); font-weight: 600; }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; }
table.plain { width: 100%; }
.plain th, .plain td {
  padding: 0.42rem 0.9rem; text-align: right; border-bottom: 1px solid var(--rule);
  font-weight: 400; vertical-align: top;
}
.plain thead th { color: var(--soft); font-size: 0.88rem; border-bottom-color: var(--soft); }
.plain th:first-child, .plain td:first-child { text-align: left; padding-left: 0; }
.plain th:last-child, .plain td:last-child { padding-right: 0; }
.plain td { white-space: nowrap; }
.plain th[scope=row] { overflow-wrap: anywhere; min-width: 6rem; }
.plain .words { text-align: left; white-space: normal; min-width: 7rem; overflow-wrap: anywhere; }
.plain tfoot td, .plain tfoot th { font-weight: 600; border-bottom: 0; }
.plain tfoot th { white-space: nowrap; }
.plain tfoot tr + tr td, .plain tfoot tr + tr th { font-weight: 400; color: var(--soft); padding-top: 0; }
.plain .bar { width: 30%; min-width: 6rem; }
.bar div { height: 0.7rem; margin-top: 0.45rem; background: var(--panel); border-radius: 1px; }
.bar span { display: block; height: 100%; background: var(--bar); border-radius: 1px; }
table.compact { max-width: 38rem; }
.interval { display: block; font-size: 0.8rem; line-height: 1.2; color: var(--soft); }
.ours td, .ours th { font-weight: 600; }
.ours .interval { font-weight: 400; }
.ensemble th { font-style: italic; }
.guess td, .guess th { color: var(--soft); }
.groups th, .groups td { padding-top: 0.25rem; padding-bottom: 0.25rem; }
.plain.groups th[scope=row] { min-width: 4.5rem; }
.plain .bars { width: 32%; min-width: 4.5rem; padding-top: 0.55rem; }
.plain thead .bars { border-bottom-color: var(--soft); }
.bars div { height: 0.4rem; margin: 0.12rem 0; background: var(--panel); border-radius: 1px; }
.bars span { display: block; height: 100%; border-radius: 1px; }
.bars .accuracy, .swatch.accuracy { background: var(--accuracy); }
.bars .uar, .swatch.uar { background: var(--uar); }
.swatch.reliability { background: var(--bar); }
.swatch.expected { background: var(--alert); height: 2px; }
.swatch { display: inline-block; width: 1.5rem; height: 0.45rem; border-radius: 1px; }
.conditions { margin-top: 2rem; }
.conditions .wide { grid-column: 1 / -1; }
.plain.mistakes th[scope=row] { min-width: 11rem; }
.plain.layers th[scope=row] { white-space: nowrap; }
.plain.folds th, .plain.folds td { padding-left: 0.65rem; padding-right: 0.65rem; }
.plain.folds th:first-child { padding-left: 0; }
.plain.folds .words { min-width: 8.6rem; padding-right: 0; }
.folder { display: block; font-size: 0.8rem; line-height: 1.3; color: var(--soft); }

table.heat { border-spacing: 2px; border-collapse: separate; table-layout: fixed; width: 100%; max-width: calc(12.3rem + 9rem * var(--classes)); min-width: calc(12.3rem + 2.9rem * var(--classes)); }
.heat thead th, .heat .corner { font-weight: 400; font-size: 0.88rem; color: var(--soft); padding: 0 0.15rem 0.35rem; vertical-align: bottom; }
.heat thead th { text-align: center; overflow: hidden; }
.heat .corner { text-align: right; padding-right: 0.7rem; width: 8.5rem; }
.heat .corner.end { width: 3.8rem; padding-right: 0; }
.heat tbody th { text-align: right; font-weight: 400; padding-right: 0.7rem; line-height: 1.25; overflow-wrap: anywhere; }
.heat tbody td { height: 3.1rem; text-align: center; line-height: 1.15; border-radius: 3px; padding: 0.2rem 0; }
.heat tbody td.end { text-align: right; color: var(--soft); background: none; }
.heat .share { display: block; font-size: 1.02rem; }
.heat .count { display: block; font-size: 0.76rem; }
.heat .right .share { font-weight: 650; }
.heat.tall thead th span {
  writing-mode: vertical-rl; transform: rotate(180deg); max-height: 11rem; overflow: hidden;
  text-overflow: ellipsis; white-space: nowrap; display: inline-block; line-height: 1.2;
}
.heat0 { background: var(--heat0); color: var(--soft); box-shadow: inset 0 0 0 1px var(--grid); }
.heat1 { background: var(--heat1); color: var(--on-low); }
.heat2 { background: var(--heat2); color: var(--on-low); }
.heat3 { background: var(--heat3); color: var(--on-low); }
.heat4 { background: var(--heat4); color: var(--on-low); }
.heat5 { background: var(--heat5); color: var(--on-low); }
.heat6 { background: var(--heat6); color: var(--on-middle); }
.heat7 { background: var(--heat7); color: var(--on-seven); }
.heat8 { background: var(--heat8); color: var(--on-high); }
.heat9 { background: var(--heat9); color: var(--on-high); }
.heat10 { background: var(--heat10); color: var(--on-high); }
.scale { display: flex; align-items: center; gap: 2px; margin-top: 0.9rem; font-size: 0.85rem; color: var(--soft); }
.scale span { white-space: nowrap; }
.scale i { width: 1.5rem; height: 0.7rem; }
.scale span:first-child { margin-right: 0.4rem; }
.scale span:last-child { margin-left: 0.4rem; }

figure { margin: 0; min-width: 0; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1.5rem 2.5rem; }
.multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); gap: 2.2rem 2rem; }
.chart { display: block; width: 100%; height: auto; overflow: visible; }
.chart text { fill: var(--soft); font-size: 12px; }
.chart .grid { stroke: var(--grid); stroke-width: 1; }
.chart .best { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 3; }
.chart .best-label { fill: var(--ink); }
.chart .reliability { fill: var(--bar); }
.chart .plain-bar { fill: var(--bar); }
.chart .strong-bar { fill: var(--accent); }
.chart .whisker { stroke: var(--ink); stroke-width: 1.5; }
.chart .halo { stroke: var(--paper); stroke-width: 4; }
.chart .name { fill: var(--ink); }
.chart .value { fill: var(--ink); font-size: 15px; font-weight: 600; paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
.chart .expected { stroke: var(--alert); stroke-width: 2; }
.chart .count { fill: var(--ink); font-size: 11px; paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.ring { fill: none; stroke-width: 2; }
.line.training, .ring.training { stroke: var(--training); }
.line.validation, .ring.validation { stroke: var(--validation); }
.line.accuracy, .ring.accuracy { stroke: var(--accuracy); }
.line.uar, .ring.uar { stroke: var(--uar); }
.line.training, .line.accuracy { stroke-dasharray: 5 4; stroke-linecap: butt; }
.dot.training { fill: var(--training); }
.dot.validation { fill: var(--validation); }
.dot.accuracy { fill: var(--accuracy); }
.dot.uar { fill: var(--uar); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 0.3rem 1.6rem; margin: 0 0 1.3rem; padding: 0; font-size: 0.92rem; color: var(--soft); }
.legend li { display: flex; align-items: center; gap: 0.5rem; }
.legend svg { width: 28px; height: 10px; }
.caption { font-size: 0.92rem; color: var(--soft); margin: 0.6rem 0 0; }

.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.35rem 1.8rem; margin: 0; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 0.85rem; }
pre { margin: 0; padding: 1.2rem 1.4rem; background: var(--panel); line-height: 1.55; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: 4px; }

@media screen and (max-width: 48rem) {
  main { padding: 2.5rem 1.1rem 3rem; }
  h1 { font-size: 1.55rem; }
  section { margin-top: 2.8rem; }
  .headline { grid-template-columns: 1fr; }
  .headline > div { display: grid; grid-template-columns: 1fr auto; align-items: baseline; padding: 0.8rem 0; }
  .headline > div + div { padding-left: 0; border-left: 0; border-top: 1px solid var(--rule); }
  .headline .value { font-size: 2.1rem; text-align: right; }
  .headline .value small { font-size: 1.1rem; }
  .headline .spread { grid-column: 1 / -1; }
  .headline .on { grid-column: 1 / -1; margin-top: 0; }
  table.heat { border-spacing: 1px; min-width: calc(7.3rem + 1.75rem * var(--classes)); }
  .heat .corner { width: 5rem; padding-right: 0.4rem; }
  .heat .corner.end { width: 2.3rem; }
  .heat .share { font-size: 0.95rem; }
  .heat tbody td.end { font-size: 0.85rem; }
  .heat tbody th { font-size: 0.85rem; padding-right: 0.4rem; }
  .heat tbody td { height: 2.6rem; border-radius: 2px; }
  .heat thead th span {
    writing-mode: vertical-rl; transform: rotate(180deg); display: inline-block; line-height: 1.2;
  }
  .plain th, .plain td { padding: 0.4rem 0.3rem; font-size: 0.92rem; }
  .plain thead th { font-size: 0.82rem; }
  .plain th[scope=row] { min-width: 5.1rem; }
  .plain tfoot th { white-space: normal; }
  .plain.leakage td { white-space: normal; }
  .plain.leakage th[scope=row] { min-width: 3.6rem; }
  .plain.folds th, .plain.folds td { padding-left: 0.3rem; padding-right: 0.3rem; }
  .plain .bar { display: none; }
  .plain.layers, .plain.layers thead, .plain.layers tbody { display: block; }
  .plain.layers tr { display: grid; grid-template-columns: minmax(0, 1fr) 5.6rem 5.2rem; border-bottom: 1px solid var(--rule); }
  .plain.layers th, .plain.layers td { border-bottom: 0; }
  .plain.layers td.words { grid-row: 2; grid-column: 1 / -1; padding: 0 0 0.4rem; color: var(--soft); }
  .plain.layers thead .words, .plain.layers td.words:empty { display: none; }
  .plain.mistakes th[scope=row] { min-width: 8rem; }
  .plain.mistakes .words { min-width: 4.8rem; }
  .plain .bars { width: 24%; }
  .facts { grid-template-columns: 1fr; gap: 0; }
  .facts dd { margin-bottom: 0.6rem; }
}
@media print {
  @page { margin: 16mm 14mm; }
  html { font-size: 12px; }
  body { font-size: 1rem; }
  main { max-width: none; padding: 0; }
  section { margin-top: 2.4rem; }
  h2, h3 { break-after: avoid; }
  p { orphans: 3; widows: 3; }
  figure, tr, dl, table.heat, .keep, .headline, .legend, .remarks li { break-inside: avoid; }
  h2 + p, .legend, .legend + p, thead, .plain tbody tr:nth-child(-n+2) { break-after: avoid; }
  .heat td, .scale i, .bar div, .bar span, .bars div, .bars span, .swatch, .chart, .remarks li { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  .scroll { overflow: visible; }
  tfoot { display: table-row-group; }
  table.heat { min-width: 0; }
  pre { border: 1px solid var(--rule); }
}
)css";
}

}  // namespace serenade
