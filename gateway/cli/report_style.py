"""How the page of a report looks: light and dark, on a screen and on paper."""

from __future__ import annotations

STYLE = """
:root{--ink:#1c2321;--soft:#5b6763;--line:#dfe5e2;--ground:#f6f8f7;--card:#fff;--ready:#1b7a4b;
--no:#b3261e;--more:#8a5a00;--apart:#8d9a95;--mark:#fff3d6;--ready-soft:#e3f4ea;--no-soft:#fce8e6;
--more-soft:#fdf1dc}
@media (prefers-color-scheme:dark){:root{--ink:#e6ebe9;--soft:#9fb0aa;--line:#2e3936;
--ground:#121816;--card:#1a2220;--ready:#6fd3a0;--no:#ff8f85;--more:#f1bf63;--apart:#70807a;
--mark:#3b3015;--ready-soft:#15322480;--no-soft:#40191780;--more-soft:#3a2b1080}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:1080px;margin:0 auto;padding:24px 20px 64px}
h1{margin:.1em 0 .4em;font-size:28px;line-height:1.2;overflow-wrap:anywhere}
h2{margin:0 0 12px;font-size:17px}
code,pre{font:13px/1.45 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;
overflow-wrap:anywhere}
header,section{background:var(--card);border:1px solid var(--line);border-radius:10px;
padding:20px 22px;margin-bottom:18px}
header{border-top:5px solid var(--apart)}
header.ready{border-top-color:var(--ready)}header.no{border-top-color:var(--no)}
header.more{border-top-color:var(--more)}
.sides{margin:0;color:var(--soft)}
.state{display:inline-block;padding:2px 12px;border-radius:99px;font-size:17px;vertical-align:4px}
.ready .state{background:var(--ready-soft);color:var(--ready)}
.no .state{background:var(--no-soft);color:var(--no)}
.more .state{background:var(--more-soft);color:var(--more)}
.reasons{margin:0 0 16px;padding-left:20px}
.reasons li{overflow-wrap:anywhere}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:10px 24px;margin:0;
border-top:1px solid var(--line);padding-top:14px}
dt{color:var(--soft);font-size:13px}dd{margin:0;overflow-wrap:anywhere}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%}
caption{text-align:left;color:var(--soft);font-size:13px;padding-bottom:8px}
th,td{text-align:left;vertical-align:top;padding:7px 12px 7px 0;border-bottom:1px solid var(--line)}
thead th{color:var(--soft);font-weight:500;font-size:13px}
tbody th{font-weight:400}tfoot th,tfoot td{border:0;font-weight:600}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.nowrap{white-space:nowrap}
th small,td small{display:block;color:var(--soft);font-weight:400;font-size:12.5px;max-width:34em}
td.ready b{color:var(--ready)}td.no,td.no b{color:var(--no)}td.more,td.more b{color:var(--more)}
td.no small,td.more small,td.ready small{color:var(--soft)}
.scale .ground{fill:var(--line)}.scale .ready{fill:var(--ready)}.scale .no{fill:var(--no)}
.scale .more{fill:var(--more)}.scale .limit{fill:var(--ink)}
.bar{display:flex;height:12px;border-radius:6px;overflow:hidden;background:var(--line);
margin-bottom:10px}
.bar i{display:block;min-width:2px}.bar .ready,.dot.ready{background:var(--ready)}
.bar .no,.dot.no{background:var(--no)}.bar .apart,.dot.apart{background:var(--apart)}
.dot{display:inline-block;width:9px;height:9px;border-radius:50%;margin-right:8px}
.kinds{min-width:860px}.kinds tbody th{min-width:190px}
.tight th,.tight td{padding-top:4px;padding-bottom:4px}
details{border-top:1px solid var(--line);padding:10px 0}
details:last-of-type{border-bottom:1px solid var(--line)}
summary{cursor:pointer}
summary:focus-visible{outline:2px solid var(--ready);outline-offset:3px;border-radius:4px}
summary code{font-weight:600;font-size:14px}
.tag{margin-left:10px;padding:1px 8px;border-radius:99px;background:var(--more-soft);
color:var(--more);font-size:12.5px}.tag.no{background:var(--no-soft);color:var(--no)}
.where{margin-left:12px;color:var(--soft);font-size:13.5px}
.told{display:block;margin-left:18px;color:var(--soft);font-size:13.5px}
article{margin:12px 0 4px 18px;padding:12px 14px;border:1px solid var(--line);border-radius:8px;
background:var(--ground)}
.asked{margin:0 0 8px;display:flex;flex-wrap:wrap;gap:4px 14px;justify-content:space-between}
.asked small{color:var(--soft)}
.values{display:grid;grid-template-columns:1fr 1fr;gap:12px;margin-bottom:10px}
.values div{background:var(--mark);border-radius:6px;padding:6px 10px}
.values small{display:block;color:var(--soft)}
.pictures{display:grid;grid-template-columns:1fr 1fr;gap:12px;margin-bottom:10px}
figure{margin:0 0 0 10px}figure img{display:block;max-width:100%;min-width:120px;border-radius:6px;
border:1px solid var(--line)}
figcaption{color:var(--soft);font-size:13px;margin-top:4px}
.sides{table-layout:fixed}
.sides td{font:12.5px/1.45 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;
white-space:pre-wrap;overflow-wrap:anywhere;border:0;padding:1px 10px}
.sides th{padding-left:10px}.sides .same{color:var(--soft)}
.sides .differs td{background:var(--mark)}
.noisy{border-top:1px solid var(--line);padding:8px 0}.noisy p{margin:4px 0}
.rule{background:var(--ground);border:1px solid var(--line);border-radius:6px;padding:10px 12px;
overflow-x:auto;margin:8px 0}
.note{color:var(--soft);font-size:13.5px}
@media (max-width:640px){.values{grid-template-columns:1fr}article{margin-left:0}}
@media print{body{background:#fff;font-size:12px}main{max-width:none;padding:0}
header,section{border:0;padding:0 0 8px;break-inside:auto}tr,figure,article{break-inside:avoid}}
"""
