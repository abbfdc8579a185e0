// SPDX-License-Identifier: Apache-2.0
#include "page/style_sheet.h"

namespace m3lung {

absl::string_view ReportStyleSheet() {
  return R"css(
:root { color-scheme: light dark; --page: #f5f6f8; --card: #ffffff; --ink: #1d2129;
  --faint: #5c6470; --rule: #dde1e7; --track: #e9ecf1; --warn-page: #fff1ee; --warn: #a3200d; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14161a; --card: #1e2127; --ink: #e8eaee; --faint: #a3abb8; --rule: #353a44;
    --track: #2b3038; --warn-page: #3a1c17; --warn: #ffb4a5; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 24px; }
h1 { font-size: 1.6rem; margin: 0 0 4px; }
h2 { font-size: 1.15rem; margin: 0 0 12px; }
h3 { font-size: 1rem; margin: 18px 0 6px; }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 10px;
  padding: 20px 24px; margin: 18px 0; }
.faint { color: var(--faint); }
.notice { background: var(--warn-page); color: var(--warn); border: 2px solid currentColor;
  border-radius: 10px; padding: 12px 18px; margin: 18px 0; font-weight: 600; }
.notice strong { text-transform: uppercase; letter-spacing: .03em; }
.verdict { border-left: 6px solid var(--faint); border-radius: 4px; background: var(--track);
  padding: 8px 16px; margin: 0 0 16px; overflow-wrap: anywhere; }
.verdict p { margin: 0; }
.verdict.ok { border-color: #2ba87e; }
.verdict.degraded { border-color: #d9a514; }
.verdict.abstained, .verdict.rejected { border-color: #d6392b; }
.warnings { margin: 0; padding-left: 20px; overflow-wrap: anywhere; }
.patient { display: grid; grid-template-columns: minmax(260px, 1fr) 2fr; gap: 12px 44px; }
.call { font-size: 2.1rem; font-weight: 700; line-height: 1.2; margin: 0; }
.bar { display: grid; grid-template-columns: 7.5em 1fr 4em; gap: 12px; align-items: center;
  margin: 9px 0; }
.bar .track { background: var(--track); height: 20px; border-radius: 4px; overflow: hidden; }
.bar.small { margin: 4px 0; }
.bar.small .track { height: 12px; }
.bar .fill { height: 100%; }
.bar .value, td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.bar.called { font-weight: 700; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 0; }
dt { color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; }
.chart { width: 100%; height: auto; display: block; font-size: 13px; }
.chart text { fill: var(--faint); }
.chart .rule { stroke: var(--rule); }
.chart .half { stroke: var(--faint); stroke-dasharray: 5 5; }
.chart .course { fill: none; stroke: var(--faint); stroke-width: 1.5; }
.key { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 8px 0 0; padding: 0;
  list-style: none; }
.key i { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 7px; }
.slices { display: grid; grid-template-columns: repeat(auto-fill, minmax(270px, 1fr)); gap: 20px 16px; }
figure { margin: 0; }
.pair { position: relative; background: #000; border-radius: 6px; overflow: hidden; color: #fff; }
.pair img { display: block; width: 100%; height: auto; }
.pair .map { position: relative; border-top: 3px solid var(--card); }
.tag { position: absolute; background: rgba(0, 0, 0, .72); padding: 1px 9px; font-size: .84rem; }
.tag.place { top: 0; left: 0; border-bottom-right-radius: 6px; }
.tag.label { top: 0; right: 0; border-bottom-left-radius: 6px; font-weight: 700; }
.tag.label i { display: inline-block; width: 10px; height: 10px; border-radius: 50%;
  margin-right: 6px; }
.tag.free { bottom: 0; left: 0; border-top-right-radius: 6px; }
.gap { aspect-ratio: 4 / 3; display: grid; place-items: center; padding: 20px; text-align: center;
  background: var(--track); color: var(--faint); }
figcaption { font-size: .86rem; color: var(--faint); margin-top: 5px; }
.scale { display: flex; align-items: center; gap: 10px; margin: 0 0 14px; flex-wrap: wrap; }
.scale .ramp { width: 220px; height: 14px; border-radius: 3px; background: linear-gradient(90deg,
  #000080, #0000ff, #0080ff, #00ffff, #80ff80, #ffff00, #ff8000, #ff0000, #800000); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--rule);
  vertical-align: top; }
td { overflow-wrap: anywhere; }
th { white-space: nowrap; color: var(--faint); font-weight: 600; }
summary { cursor: pointer; padding: 6px 0; }
@media (max-width: 800px) { .patient { grid-template-columns: 1fr; } main { padding: 12px; } }
@media (max-width: 560px) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; }
  section { padding: 14px; } .wide table { min-width: 560px; } }
@media print { body { background: #fff; } section { break-inside: auto; border: 0; padding: 0; }
  figure, .notice { break-inside: avoid; } * { print-color-adjust: exact; } }
)css";
}

}  // namespace m3lung
