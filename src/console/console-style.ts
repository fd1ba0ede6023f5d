/** The console's stylesheet: light and dark, from 320 pixels to a wide screen, without a script. */

const LIGHT =
  '--page:#fff;--side:#f7f8fa;--text:#1b2030;--soft:#5a6273;--line:#e4e7ec;--hover:#f2f4f7;--accent:#4338ca;--on-accent:#fff;--danger:#b42318;--on-danger:#fff;--ok:#0b6b3a;--warn:#8a4b08;--warn-bg:#fff6e5;--bad:#a1231a;--bad-bg:#fdeeed;--ok-bg:#e8f6ee;--series-1:#4338ca;--series-2:#0d8a72;--fill:#eef0ff;';
const DARK =
  '--page:#0f1217;--side:#14181f;--text:#e9ecf1;--soft:#a0a9b8;--line:#272d38;--hover:#1a1f28;--accent:#a5b0ff;--on-accent:#12141c;--danger:#ffb4ab;--on-danger:#4a1210;--ok:#86dcab;--warn:#f3c37c;--warn-bg:#2c2313;--bad:#ffb4ab;--bad-bg:#341a19;--ok-bg:#132a1e;--series-1:#a5b0ff;--series-2:#5fd3b8;--fill:#1d2233;';

export const STYLESHEET = `:root{${LIGHT}color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
html{font:400 .9375rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--text);overflow-wrap:anywhere;display:grid;grid-template-columns:14rem minmax(0,1fr);min-height:100vh}
a{color:inherit;text-underline-offset:.2em;text-decoration-color:var(--soft)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:.25rem}
.skip{position:absolute;left:-100rem}.skip:focus{left:1rem;top:.5rem;background:var(--page);padding:.5rem;z-index:1}
header{background:var(--side);border-inline-end:1px solid var(--line);padding:1.25rem .75rem;display:flex;flex-direction:column;gap:1rem}
.brand{font-weight:600;padding-inline:.75rem;line-height:1.35}
.brand small{display:block;font-weight:400;font-size:.8125rem;color:var(--soft)}
header ul{list-style:none;margin:0;padding:0;display:grid;gap:.125rem}
header nav a{display:block;padding:.4375rem .75rem;border-radius:.375rem;text-decoration:none;color:var(--soft)}
header nav a:hover{background:var(--hover);color:var(--text)}
header nav a[aria-current]{background:var(--hover);color:var(--text);font-weight:600}
.operator{margin:auto 0 0;padding-inline:.75rem;font-size:.8125rem;color:var(--soft)}
main{padding:1.75rem clamp(1rem,4vw,3rem) 4rem;max-width:76rem;width:100%}
h1{font-size:1.5rem;line-height:1.25;font-weight:600;letter-spacing:-.015em;margin:0 0 .25rem}
h2{font-size:1rem;font-weight:600;margin:2.25rem 0 .75rem}
.plot h2{font-size:.875rem;margin:0}
p{margin:.25rem 0}
.lead,.soft,.empty{color:var(--soft)}
.small{font-size:.8125rem}
.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.8125rem}
.crumb{font-size:.8125rem;color:var(--soft);margin:0 0 .5rem}
.head{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:flex-start;justify-content:space-between}
.head>div{min-width:0}
.tiles{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));border:1px solid var(--line);border-radius:.5rem;margin:1.25rem 0 0;overflow:hidden;gap:1px;background:var(--line)}
.tiles>div{padding:.875rem 1rem;background:var(--page)}
.tiles dt{font-size:.8125rem;color:var(--soft)}
.tiles dd{margin:.125rem 0 0;font-size:1.25rem;font-weight:600;font-variant-numeric:tabular-nums;letter-spacing:-.01em}
.tiles small{display:block;font-size:.8125rem;font-weight:400;color:var(--soft);letter-spacing:0}
.facts{display:grid;grid-template-columns:minmax(8rem,12rem) minmax(0,1fr);gap:.375rem 1rem;margin:1.25rem 0 0}
.facts dt{color:var(--soft)}.facts dd{margin:0}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:.5rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:start;vertical-align:top;padding:.5625rem .875rem;border-top:1px solid var(--line);overflow-wrap:normal}
thead th{border-top:0;font-size:.8125rem;font-weight:500;color:var(--soft);white-space:nowrap;background:var(--side)}
tbody th{font-weight:500}
td.num,th.num{text-align:end}
tbody tr:hover{background:var(--hover)}
.nowrap{white-space:nowrap}
td .mono{white-space:nowrap}
.badge{display:inline-block;font-size:.75rem;font-weight:500;line-height:1.25rem;border-radius:.375rem;padding:0 .4375rem;background:var(--hover);color:var(--soft);white-space:nowrap}
.badge.ok{background:var(--ok-bg);color:var(--ok)}
.badge.warn{background:var(--warn-bg);color:var(--warn)}
.badge.bad{background:var(--bad-bg);color:var(--bad)}
.note{border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem;margin:1rem 0}
.note.ok{background:var(--ok-bg);color:var(--ok);border-color:transparent}
.note.warn{background:var(--warn-bg);color:var(--warn);border-color:transparent}
form{margin:0}
.stack{display:grid;gap:1rem;max-width:32rem;margin-top:1.25rem}
.fields{display:flex;flex-wrap:wrap;gap:.75rem;align-items:end;margin-top:1rem}
.fields>.wide{flex:1 1 18rem}
label{display:grid;gap:.25rem;font-size:.8125rem;font-weight:500;min-width:0}
label small{font-weight:400;color:var(--soft)}
input,select{font:inherit;font-size:.9375rem;width:100%;min-height:2.5rem;color:var(--text);background:var(--page);border:1px solid var(--soft);border-radius:.375rem;padding:.375rem .625rem}
.button{display:inline-block;font:inherit;font-weight:500;line-height:1.5rem;text-align:center;text-decoration:none;color:var(--text);background:var(--page);border:1px solid var(--soft);border-radius:.375rem;padding:.4375rem .875rem;min-height:2.5rem;cursor:pointer;white-space:nowrap}
.button:hover{background:var(--hover)}
.button.primary{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
.button.danger{background:var(--danger);border-color:var(--danger);color:var(--on-danger)}
.button.primary:hover,.button.danger:hover{filter:brightness(1.08)}
.row{display:flex;flex-wrap:wrap;gap:.75rem;align-items:center;margin-top:1rem}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:0 2.5rem}
.alone{display:block}.alone main{max-width:36rem;margin:0 auto;padding-top:12vh}
.tabs{display:flex;gap:.125rem;list-style:none;margin:0;padding:.125rem;border:1px solid var(--line);border-radius:.5rem;font-size:.8125rem}
.tabs a{display:block;padding:.25rem .625rem;border-radius:.375rem;text-decoration:none;color:var(--soft)}
.tabs a:hover{color:var(--text)}
.tabs a[aria-current]{background:var(--hover);color:var(--text);font-weight:500}
.plot{margin:1.75rem 0 0;min-width:0}
.plot figcaption{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.25rem 1rem;margin-bottom:.75rem}
.legend{display:flex;gap:1rem;list-style:none;margin:0;padding:0;font-size:.8125rem;color:var(--soft)}
.legend li::before{content:"";display:inline-block;width:.625rem;height:.125rem;margin-inline-end:.375rem;vertical-align:middle;background:var(--series)}
.series-1{--series:var(--series-1)}.series-2{--series:var(--series-2)}
.plot .frame{display:grid;grid-template-columns:auto minmax(0,1fr);gap:.375rem .625rem;font-size:.75rem;color:var(--soft);font-variant-numeric:tabular-nums}
.plot .y{display:flex;flex-direction:column;justify-content:space-between;text-align:end;line-height:1;margin-block:-.375rem}
.plot .x{grid-column:2;display:flex;justify-content:space-between}
.plot svg{display:block;width:100%;height:9rem;overflow:visible}
.plot .grid{stroke:var(--line);vector-effect:non-scaling-stroke}
.plot .stroke{fill:none;stroke:var(--series);stroke-width:1.75;stroke-linejoin:round}
.plot .below{fill:var(--fill)}
.plot details{margin-top:.5rem;font-size:.8125rem}
.plot details .scroll{max-height:16rem;overflow:auto;margin-top:.5rem}
summary{cursor:pointer;color:var(--soft)}
.share{white-space:nowrap}
.bar{width:6rem;max-width:40%;height:.5rem;margin-inline-end:.5rem;border-radius:.25rem;background:var(--hover)}
.bar rect{fill:var(--series-1)}
@media (max-width:52rem){body{display:block}.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}header{border-inline-end:0;border-bottom:1px solid var(--line);padding:.875rem 1rem;gap:.5rem}.brand,.operator{padding-inline:0}.brand small{display:inline;margin-inline-start:.5rem}header ul{display:flex;flex-wrap:wrap;margin-inline:-.5rem}header nav a{padding:.375rem .5rem}.operator{margin:0}main{padding-top:1.25rem}.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:.625rem}}
@media (forced-colors:active){.badge,.button{border:1px solid}}
`;
