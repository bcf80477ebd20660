// How late one server's ticks were over the last ten minutes.

import uPlot from "./vendor/uPlot.esm.js";
import { clock, decades, powers, short, sizeOf } from "./axes.js";
import { byId } from "./dom.js";
import { words } from "./format.js";
import { makeLegend, tellLegend } from "./legend.js";
import { panel } from "./parts.js";
import { colour, onThemeChange } from "./theme.js";

const SPAN_MIN_S = 60;
const GAP_S = 5; // a server that says nothing for so long leaves a gap
const LINES = [
  { label: "p50", name: "claimed", show: words },
  { label: "p99", name: "playing", show: words },
  { label: "p99.9", name: "warn", show: words },
];

let plot = null;
let data = [[], [], [], []];

export function drawTicks(ticks) {
  panel("ticks", ticks.t_ms.length === 0);
  byId("ticks").hidden = ticks.t_ms.length === 0;
  if (!ticks.t_ms.length) return;
  data = columns(ticks);
  if (!plot) build();
  plot.setData(data);
  tell(plot);
}

function columns({ t_ms, p50_ms, p99_ms, p999_ms }) {
  const made = [[], [], [], []];
  t_ms.forEach((t, n) => {
    // A first heartbeat has measured nothing yet; a logarithm has no place for its zeros.
    const before = made[0].at(-1);
    if (before && t / 1000 - before > GAP_S) {
      made[0].push(before + 1);
      for (const column of made.slice(1)) column.push(null);
    }
    made[0].push(t / 1000);
    [p50_ms, p99_ms, p999_ms].forEach((column, m) => made[m + 1].push(column[n] || null));
  });
  return made;
}

function span() {
  const [first, last] = [data[0][0] ?? 1, data[0].at(-1) ?? 2];
  return [Math.min(first, last - SPAN_MIN_S), last];
}

function build() {
  plot?.destroy();
  const host = byId("ticks");
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const shared = { stroke: colour("faint"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font };
  makeLegend(byId("ticks-legend"), LINES);
  plot = new uPlot(
    {
      ...sizeOf(host),
      legend: { show: false },
      padding: [8, 6, 0, 0],
      cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
      scales: { x: { time: true, range: span }, y: { distr: 3, range: (_, low, high) => decades(low, high) } },
      axes: [
        { ...shared, space: 58, size: 24, values: (_, ticks, __, ___, step) => ticks.map((t) => clock(t, step)) },
        {
          ...shared,
          size: 58,
          space: 26,
          splits: (_, __, low, high) => powers(low, high),
          filter: (_, ticks) => ticks,
          values: (_, ticks) => ticks.map(short),
        },
      ],
      series: [
        {},
        ...LINES.map(({ name }) => ({ stroke: colour(name), width: 1.5, points: { show: false }, spanGaps: false })),
      ],
      hooks: { setCursor: [tell] },
    },
    data,
    host,
  );
  resized.observe(host);
}

function tell(shown) {
  tellLegend(byId("ticks-legend"), LINES, shown);
}

const resized = new ResizeObserver(() => plot?.setSize(sizeOf(byId("ticks"))));

onThemeChange(() => {
  if (plot) build();
});
