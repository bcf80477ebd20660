// A fleet's size over the last quarter of an hour, and the claims that it was sized for.

import uPlot from "./vendor/uPlot.esm.js";
import { clock, sizeOf } from "./axes.js";
import { byId } from "./dom.js";
import { count, rate } from "./format.js";
import { makeLegend, tellLegend } from "./legend.js";
import { panel } from "./parts.js";
import { colour, onThemeChange } from "./theme.js";

const LINES = [
  { label: "servers", name: "ready", column: "replicas", scale: "y", show: count, steps: true },
  { label: "in use", name: "playing", column: "in_use", scale: "y", show: count, steps: true },
  { label: "claims", name: "claimed", column: "claims_per_s", scale: "rate", show: perSecond },
  { label: "expected", name: "warn", column: "expected_per_s", scale: "rate", show: perSecond, dash: [4, 3] },
];

let plot = null;
let data = [[], ...LINES.map(() => [])];

export function drawSizes(series) {
  const any = series.claims_per_s.some(Boolean) || series.replicas.some((value) => value !== null);
  panel("sizes", !any);
  byId("sizes").hidden = !any;
  if (!any) return;
  data = [series.t_s, ...LINES.map(({ column }) => series[column])];
  if (!plot) build();
  plot.setData(data);
  tell(plot);
}

function perSecond(value) {
  return `${rate(value)}/s`;
}

function build() {
  plot?.destroy();
  const host = byId("sizes");
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const shared = { stroke: colour("faint"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font };
  const fromZero = (_, __, high) => [0, Math.max(1, high * 1.1)];
  makeLegend(byId("sizes-legend"), LINES);
  plot = new uPlot(
    {
      ...sizeOf(host),
      legend: { show: false },
      padding: [8, 0, 0, 0],
      cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
      scales: { x: { time: true }, y: { range: fromZero }, rate: { range: fromZero } },
      axes: [
        { ...shared, space: 58, size: 24, values: (_, ticks, __, ___, step) => ticks.map((t) => clock(t, step)) },
        { ...shared, size: 40 },
        { ...shared, side: 1, size: 46, scale: "rate", grid: { show: false }, values: (_, ticks) => ticks.map((t) => `${t}/s`) },
      ],
      series: [
        {},
        ...LINES.map(({ name, scale, steps, dash }) => ({
          stroke: colour(name),
          width: 1.5,
          scale,
          dash,
          points: { show: false },
          paths: steps ? uPlot.paths.stepped({ align: 1 }) : undefined,
        })),
      ],
      hooks: { setCursor: [tell] },
    },
    data,
    host,
  );
  resized.observe(host);
}

function tell(shown) {
  tellLegend(byId("sizes-legend"), LINES, shown);
}

const resized = new ResizeObserver(() => plot?.setSize(sizeOf(byId("sizes"))));

onThemeChange(() => {
  if (plot) build();
});
