/**
 * Both colour schemes, and widths from a phone's on. Words and signs state verdicts; colours only repeat
 * them.
 */
export const STYLE = `
:root { color-scheme: light dark; --page: #f5f6f8; --card: #fff; --text: #1c2430; --soft: #566273; --line: #dfe4ea;
  --right: #156c3c; --wrong: #b3261e; --unknown: #6a5800; --bar: #2f6fb0; --mark: #c2185b;
  --e0: #e3edf5; --e1: #bcd3e8; --e2: #f3d9a4; --e3: #eda75a; --e4: #d9613a; --e5: #9c1c1c; --e-none: #c9cdd3;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
@media (prefers-color-scheme: dark) { :root { --page: #12161c; --card: #1b212a; --text: #e6eaf0; --soft: #9fabba;
  --line: #303945; --right: #6fd197; --wrong: #ff8a80; --unknown: #e5c95c; --bar: #74aee6; --mark: #ff6fa5;
  --e0: #22303d; --e1: #2f4f6b; --e2: #6a5522; --e3: #96611f; --e4: #b9492b; --e5: #e0423d; --e-none: #4a525d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); }
main { max-width: 1100px; margin: 0 auto; padding: 20px 16px 48px; }
h1 { font-size: 1.4rem; line-height: 1.3; margin: 0 0 8px; } h2 { font-size: 1.1rem; margin: 28px 0 8px; }
h3 { font-size: 0.95rem; margin: 12px 0 4px; }
h1, p, li, td, th, summary, h3 { overflow-wrap: anywhere; }
p, ul { margin: 4px 0; } ul { padding-left: 20px; }
.soft { color: var(--soft); font-size: 0.88rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; margin-bottom: 10px; }
.word { font-weight: 600; white-space: nowrap; } .word.right { color: var(--right); } .word.wrong { color: var(--wrong); }
.word.unknown { color: var(--unknown); } .banner { border-left: 8px solid var(--unknown); }
.banner.right { border-color: var(--right); } .banner.wrong { border-color: var(--wrong); }
table { border-collapse: collapse; width: 100%; font-size: 0.88rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 4px 10px 4px 0; border-bottom: 1px solid var(--line); }
th { overflow-wrap: normal; color: var(--soft); font-weight: 600; }
svg { display: block; width: 100%; } svg .axis { stroke: var(--line); } svg .bar { stroke: var(--bar); stroke-width: 3; }
svg .dot { fill: var(--bar); } svg .found { fill: var(--wrong); stroke: var(--wrong); } svg .subject { fill: var(--mark); }
svg * { vector-effect: non-scaling-stroke; }
.map { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 1px 8px; align-items: center; font-size: 0.75rem; }
.map svg { height: 14px; } .map .ends { display: flex; justify-content: space-between; }
.bug { display: flex; flex-wrap: wrap; gap: 0 12px; align-items: center; font-size: 0.88rem; border-bottom: 1px solid var(--line); padding: 3px 0; }
.bug .name { flex: 1 1 220px; } .bug .track { flex: 2 1 220px; } .bug .track svg { height: 16px; } .bug .of { flex: 0 0 92px; text-align: right; }
.scale { position: relative; height: 76px; margin: 8px 28px; font-size: 0.8rem; } .scale div { position: absolute; transform: translateX(-50%); text-align: center; white-space: nowrap; }
.scale .line { left: 50%; top: 34px; width: 100%; border-top: 2px solid var(--line); } .scale .class { top: 28px; border-top: 12px solid transparent; }
.scale .class::before { content: ""; position: absolute; left: 50%; top: -12px; height: 14px; border-left: 3px solid var(--bar); }
.scale .low { top: 56px; } .scale .subject { top: 0; color: var(--mark); font-weight: 600; } .scale .found { font-weight: 700; }
.e0 { fill: var(--e0); } .e1 { fill: var(--e1); } .e2 { fill: var(--e2); } .e3 { fill: var(--e3); } .e4 { fill: var(--e4); }
.e5 { fill: var(--e5); } .e-none { fill: var(--e-none); }
svg .first { fill: none; stroke: var(--mark); stroke-width: 3; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 12px; } .legend span { display: inline-flex; align-items: center; gap: 4px; }
.legend svg { width: 12px; height: 12px; } details { margin: 8px 0; } summary { cursor: pointer; }
`;
