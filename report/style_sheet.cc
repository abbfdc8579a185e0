// SPDX-License-Identifier: Apache-2.0
#include "absl/strings/str_cat.h"
#include "report/colour.h"
#include "report/html.h"

namespace m3lung {
namespace {

constexpr char kRules[] = R"css(
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
.patient > div { min-width: 0; }
.bars { max-width: 760px; margin: 0 0 8px; }
.call { font-size: 2.1rem; font-weight: 700; line-height: 1.2; margin: 0; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 0; }
dt { color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; }
.drawing { width: 100%; height: auto; display: block; }
.slices { display: grid; grid-template-columns: repeat(auto-fill, minmax(270px, 1fr)); gap: 20px 16px; }
figure { margin: 0; }
.slices .drawing { border-radius: 6px; }
.slices figure { content-visibility: auto; contain-intrinsic-size: auto 600px; }
figcaption { font-size: .86rem; color: var(--faint); margin-top: 5px; }
.scale { display: flex; align-items: center; gap: 10px; margin: 0 0 14px; flex-wrap: wrap; }
.scale .drawing { width: 320px; max-width: 100%; }
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
  .slices figure { content-visibility: visible; } figure, .notice { break-inside: avoid; } * { print-color-adjust: exact; } }
)css";

}  // namespace

std::string ReportStyleSheet() {
  return absl::StrCat("\n:root { color-scheme: light dark; ", StyleVariables(/*dark=*/false),
                      " }\n@media (prefers-color-scheme: dark) { :root { ",
                      StyleVariables(/*dark=*/true), " } }", kRules);
}

}  // namespace m3lung
