// Throughput and latency of the last ten minutes, on a time axis that moves.

import uPlot from "./vendor/uPlot.esm.js";
import { clock, decades, powers, short, sizeOf } from "./axes.js";
import { byId } from "./dom.js";
import { rate, words } from "./format.js";
import { makeLegend, tellLegend } from "./legend.js";
import { colour, onThemeChange } from "./theme.js";

const KEPT_S = 600;
const SPAN_MIN_S = 60; // a young chart shows a minute, and grows with what it knows
const PLACE_FLOOR_MS = 0.5; // stamps are whole milliseconds; a logarithm wants something

const COLUMNS = [
  "tickets_per_s", "matches_per_s",
  "wait_ms_p50", "wait_ms_p95", "wait_ms_p99", "place_ms_p50", "place_ms_p99",
];

const points = new Map();
let charts = [];
let nowS = 0;

export function takeHistory(series) {
  points.clear();
  takePoints(series);
}

function takePoints(series) {
  series.t_s.forEach((t, n) => points.set(t, COLUMNS.map((name) => series[name][n])));
}

export function drawCharts({ latest, now_ms }) {
  takePoints(latest);
  // A point stands for the second it closes, so the axis ends where the last one is.
  const ends = latest.t_s.length ? latest.t_s[latest.t_s.length - 1] + 1 : now_ms / 1000;
  for (const t of points.keys()) if (t <= ends - KEPT_S) points.delete(t);
  if (!charts.length) build();
  if (ends === nowS) return;
  nowS = ends;
  const times = [...points.keys()].sort((one, other) => one - other);
  const column = (n, floor = 0) => times.map((t) => {
    const value = points.get(t)[n];
    return value === null ? null : Math.max(floor, value);
  });
  for (const chart of charts) {
    chart.plot.setData([times, ...chart.columns.map((n) => column(n, chart.floor))]);
    chart.tell(chart.plot);
  }
}

function span() {
  const first = points.size ? Math.min(...points.keys()) : nowS;
  return [Math.max(nowS - KEPT_S, Math.min(first, nowS - SPAN_MIN_S)), Math.max(nowS - 1, 1)];
}

function build() {
  charts.forEach((chart) => chart.plot.destroy());
  charts = [throughput(), latency()];
}

function throughput() {
  const lines = [
    line("tickets", "tickets", { fill: true }),
    line("matches", "claimed", { fill: true }),
  ];
  return make("throughput", lines, {
    columns: [0, 1],
    floor: 0,
    show: (value) => `${rate(value)}/s`,
    scale: { range: (_, low, high) => [0, Math.max(1, high * 1.15)] },
    axis: { values: (_, ticks) => ticks.map((tick) => `${tick}`) },
  });
}

function latency() {
  const lines = [
    line("wait", "tickets"),
    line("", "tickets", { alpha: 0.75 }),
    line("", "tickets", { alpha: 0.5 }),
    line("place", "claimed"),
    line("", "claimed", { alpha: 0.55 }),
  ];
  return make("latency", lines, {
    columns: [2, 3, 4, 5, 6],
    floor: PLACE_FLOOR_MS,
    show: words,
    scale: { distr: 3, range: (_, low, high) => decades(low, high) },
    axis: {
      splits: (_, __, low, high) => powers(low, high),
      filter: (_, ticks) => ticks,
      values: (_, ticks) => ticks.map(short),
      size: 46,
    },
    bands: [
      { series: [3, 1], fill: colour("band-wait") },
      { series: [5, 4], fill: colour("band-place") },
    ],
  });
}

function line(label, name, { fill = false, alpha = 1 } = {}) {
  const shade = (part) => `color-mix(in srgb, ${colour(name)} ${Math.round(part * 100)}%, transparent)`;
  return {
    label,
    name,
    alpha,
    stroke: alpha < 1 ? shade(alpha) : colour(name),
    fill: fill ? shade(0.12) : undefined,
    width: alpha < 1 ? 1.25 : 1.75,
    points: { show: false },
    spanGaps: false,
  };
}

function make(id, lines, { columns, floor, show, scale, axis, bands }) {
  const host = byId(id);
  const grid = { stroke: colour("line"), width: 1 };
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const shared = { stroke: colour("faint"), grid, ticks: { show: false }, font };
  const values = byId(`${id}-legend`);
  const shown = lines.map((one) => ({ ...one, show }));
  const tell = (plot) => tellLegend(values, shown, plot);
  makeLegend(values, shown);
  const plot = new uPlot(
    {
      ...sizeOf(host),
      legend: { show: false },
      padding: [8, 6, 0, 0],
      cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false }, sync: { key: "console" } },
      scales: { x: { time: true, range: span }, y: scale },
      axes: [
        { ...shared, space: 58, size: 24, values: (_, ticks, __, ___, step) => ticks.map((t) => clock(t, step)) },
        { ...shared, size: 40, space: 26, ...axis },
      ],
      series: [{}, ...lines],
      bands,
      hooks: { setCursor: [tell] },
    },
    [[], ...lines.map(() => [])],
    host,
  );
  return { plot, columns, floor, tell, host };
}

const resized = new ResizeObserver(() => {
  for (const { plot, host } of charts) plot.setSize(sizeOf(host));
});
resized.observe(byId("throughput"));
resized.observe(byId("latency"));

onThemeChange(() => {
  if (!charts.length) return;
  build();
  nowS = 0;
});
