// The queues: who waits, as dots across the rating axis that sink while they wait.
// When a match forms, its dots are joined by an arc and fade.

import { byId, el, keep, setText } from "./dom.js";
import { count, plural, rate, words } from "./format.js";
import { drawGoodness, makeGoodness } from "./goodness.js";
import { makeDeed, pauseDeed, pausedWords, setDeed } from "./operator.js";
import { colour, onThemeChange } from "./theme.js";

const FRAME_MS = 50; // 20 frames a second look smooth here, and leave the cores to the game
const FADE_MS = 1100;
const REACH_PX = 12; // how far a pointer may be from a dot's middle
const AGE_FLOOR_MS = 4000; // the depth of a queue in which nobody waits long
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const fields = new Map();
let palette = readPalette();
let clockOffset = 0;

onThemeChange(() => {
  palette = readPalette();
});

function readPalette() {
  return { dot: colour("dot"), join: colour("claimed"), line: colour("line"), late: colour("warn") };
}

export function drawQueues(page) {
  clockOffset = page.now_ms - performance.now();
  byId("queues-empty").hidden = page.queues.length > 0;
  keep(byId("queues"), page.queues, { key: (queue) => queue.name, make: makeQueue, update: drawQueue });
  for (const match of page.matches) fields.get(match.queue)?.join(match);
}

function makeQueue(queue) {
  const node = el("article", "queue");
  const head = el("div", "queue-head");
  head.append(el("h3"), el("p", "queue-waiting"), el("a", "oldest"), el("p", "queue-wait"));
  const canvas = el("canvas", "field");
  canvas.setAttribute("role", "img");
  const axis = el("p", "axis");
  axis.append(el("span"), el("span", "leader"), el("span"));
  const deeds = el("p", "queue-deeds deeds");
  deeds.append(el("span", "paused"), makeDeed());
  node.append(head, canvas, axis, el("p", "shadow axis"), makeGoodness(deeds));
  fields.set(queue.name, new Field(canvas));
  canvas.addEventListener("pointermove", (event) => {
    canvas.style.cursor = fields.get(queue.name).at(event) ? "pointer" : "";
  });
  canvas.addEventListener("click", (event) => {
    const id = fields.get(queue.name).at(event);
    if (id) location.href = ticketAt(queue.name, id);
  });
  return node;
}

function drawQueue(node, queue) {
  const [head, canvas, axis, shadow, goodness] = node.children;
  drawPause(goodness.querySelector(".deeds"), "queue", queue);
  drawShadow(shadow, queue.shadow);
  drawGoodness(goodness, queue);
  const [name, waiting, oldest, wait] = head.children;
  setText(name, queue.name);
  setText(waiting, queue.waiting ? `${count(queue.players_waiting)} waiting` : "nobody waits");
  // The dots are for a pointer, and those just matched linger; this is the way for the keyboard.
  const dots = queue.waiting ? queue.dots : [];
  const first = dots.reduce((one, dot) => (!one || dot[3] < one[3] ? dot : one), null);
  oldest.hidden = !first;
  if (first) {
    oldest.href = ticketAt(queue.name, first[0]);
    setText(oldest, `oldest ${words(queue.oldest_wait_ms)}`);
  }
  setText(
    wait,
    `p50 ${words(queue.wait_ms_p50)} · p95 ${words(queue.wait_ms_p95)} · ${rate(queue.matches_per_min)}/min`,
  );
  setText(axis.children[0], count(queue.mmr_low).replace(",", ""));
  setText(axis.children[1], leader(queue));
  axis.children[1].dataset.led = queue.holder ? "yes" : "no";
  setText(axis.children[2], count(queue.mmr_high).replace(",", ""));
  canvas.setAttribute(
    "aria-label",
    `${plural(queue.waiting, "ticket")} waiting, the oldest for ${words(queue.oldest_wait_ms)}`,
  );
  fields.get(queue.name).take(queue);
}

// What the shadow rules would do, and in brackets what is done.
function drawShadow(node, shadow) {
  node.hidden = !shadow;
  if (!shadow) return;
  const { live, shadow: other } = shadow;
  const both = (show, key) => `${show(other[key])} (${show(live[key])})`;
  const seconds = (value) => (value === null ? "–" : words(value * 1000));
  const share = (value) => (value === null ? "–" : value.toFixed(2));
  setText(
    node,
    `shadow ${shadow.name || shadow.version} (live): ${both(rate, "matches_per_min")}/min · `
      + `p50 ${both(seconds, "wait_s_p50")} · quality ${both(share, "quality_p50")}`,
  );
}

function drawPause(node, kind, { name, paused }) {
  const [words, button] = node.children;
  words.hidden = !paused;
  setText(words, pausedWords(paused));
  setDeed(button, pauseDeed(kind, name, paused));
}

// The end of a ticket's id is enough for its page.
function ticketAt(queue, ending) {
  return `/tickets/${encodeURIComponent(queue)}.${encodeURIComponent(ending.replace(/^.*\./, ""))}`;
}

function leader(queue) {
  if (!queue.holder) return "no director leads";
  const pass = queue.pass_ms_p99 === null ? "" : ` · pass p99 ${words(queue.pass_ms_p99)}`;
  return `${queue.holder} leads, epoch ${queue.epoch}${pass}`;
}

class Field {
  constructor(canvas) {
    this.canvas = canvas;
    this.brush = canvas.getContext("2d");
    this.dots = new Map();
    this.arcs = [];
    this.joined = new Set();
    this.low = 1000;
    this.high = 2000;
    this.depthMs = AGE_FLOOR_MS;
  }

  take(queue) {
    this.low = queue.mmr_low;
    this.high = queue.mmr_high;
    const seen = new Set();
    for (const [id, mmr, size, at] of queue.dots) {
      seen.add(id);
      if (!this.dots.has(id)) this.dots.set(id, { mmr, size, at, spread: scatter(id) });
    }
    this.gone = [...this.dots.keys()].filter((id) => !seen.has(id));
  }

  // The ticket whose dot is under the pointer.
  at(event) {
    if (!this.frame) return null;
    const box = this.canvas.getBoundingClientRect();
    let [nearest, reach] = [null, REACH_PX];
    for (const [id, dot] of this.dots) {
      const [x, y] = this.place(dot);
      const far = Math.hypot(x - (event.clientX - box.left), y - (event.clientY - box.top));
      if (far < reach) [nearest, reach] = [id, far];
    }
    return nearest;
  }

  // Called once a snapshot for each recent match, after `take`.
  join(match) {
    if (!match.announced_ms || this.joined.has(match.match)) return;
    this.joined.add(match.match);
    if (this.joined.size > 200) this.joined.delete(this.joined.values().next().value);
    const ends = match.tickets.map((id) => this.dots.get(id)).filter(Boolean);
    if (ends.length > 1) this.arcs.push({ ends, since: performance.now() });
    if (this.arcs.length > 60) this.arcs.shift();
  }

  paint(now) {
    for (const id of this.gone ?? []) this.dots.delete(id);
    this.gone = [];
    const box = this.canvas.getBoundingClientRect();
    const scale = devicePixelRatio || 1;
    const [width, height] = [Math.round(box.width * scale), Math.round(box.height * scale)];
    if (this.canvas.width !== width || this.canvas.height !== height) {
      [this.canvas.width, this.canvas.height] = [width, height];
    }
    const brush = this.brush;
    brush.setTransform(scale, 0, 0, scale, 0, 0);
    brush.clearRect(0, 0, box.width, box.height);
    this.frame = { width: box.width, height: box.height, wall: now + clockOffset };
    this.settleDepth();
    this.paintGrid(brush);
    this.paintArcs(brush, now);
    this.paintDots(brush);
  }

  settleDepth() {
    // One who waits much longer than the rest lies on the ground, and does not press them together.
    const ages = [...this.dots.values()].map((dot) => this.frame.wall - dot.at).sort((a, b) => a - b);
    const usual = ages[Math.floor(ages.length * 0.9)] ?? 0;
    this.depthMs += (Math.max(AGE_FLOOR_MS, usual * 1.3) - this.depthMs) * 0.08;
  }

  place(dot, wall = this.frame.wall) {
    const { width, height } = this.frame;
    const across = dot.mmr === null ? dot.spread : (dot.mmr - this.low) / (this.high - this.low);
    const age = Math.max(0, wall - dot.at) / this.depthMs;
    // The square root gives the newcomers room: most of a queue is young.
    return [
      8 + Math.min(1, Math.max(0, across)) * (width - 16),
      7 + Math.min(1, Math.sqrt(age)) * (height - 14),
    ];
  }

  paintGrid(brush) {
    const { width, height } = this.frame;
    brush.strokeStyle = palette.line;
    brush.lineWidth = 1;
    brush.beginPath();
    for (let mmr = Math.ceil(this.low / 250) * 250; mmr <= this.high; mmr += 250) {
      const x = Math.round(8 + ((mmr - this.low) / (this.high - this.low)) * (width - 16)) + 0.5;
      brush.moveTo(x, 2);
      brush.lineTo(x, height - 2);
    }
    brush.stroke();
  }

  paintDots(brush) {
    const radius = this.dots.size > 160 ? 2.2 : this.dots.size > 60 ? 2.8 : 3.6;
    for (const dot of this.dots.values()) {
      const [x, y] = this.place(dot);
      const age = this.frame.wall - dot.at;
      brush.globalAlpha = Math.min(1, 0.25 + age / 900) * 0.9;
      brush.fillStyle = age > 30_000 ? palette.late : palette.dot;
      brush.beginPath();
      brush.arc(x, y, radius * Math.sqrt(dot.size), 0, Math.PI * 2);
      brush.fill();
    }
    brush.globalAlpha = 1;
  }

  paintArcs(brush, now) {
    this.arcs = this.arcs.filter((arc) => now - arc.since < FADE_MS);
    brush.lineWidth = 1.5;
    for (const arc of this.arcs) {
      const left = 1 - (now - arc.since) / FADE_MS;
      const spots = arc.ends.map((dot) => this.place(dot, arc.since + clockOffset));
      spots.sort((one, other) => one[0] - other[0]);
      brush.globalAlpha = left;
      brush.strokeStyle = brush.fillStyle = palette.join;
      brush.beginPath();
      spots.forEach(([x, y], n) => {
        if (n === 0) brush.moveTo(x, y);
        else bend(brush, spots[n - 1], [x, y]);
      });
      brush.stroke();
      for (const [x, y] of spots) {
        brush.beginPath();
        brush.arc(x, y, 3 + 3 * (1 - left), 0, Math.PI * 2);
        brush.fill();
      }
    }
    brush.globalAlpha = 1;
  }
}

function bend(brush, [x0, y0], [x1, y1]) {
  const lift = Math.min(26, 6 + Math.abs(x1 - x0) / 4);
  brush.quadraticCurveTo((x0 + x1) / 2, Math.max(0, Math.min(y0, y1) - lift), x1, y1);
}

// A ticket without a rating has a place of its own all the same.
function scatter(id) {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.charCodeAt(0)) % 997;
  return sum / 997;
}

let painted = 0;
function loop(now) {
  if (now - painted >= (calm.matches ? 500 : FRAME_MS)) {
    painted = now;
    for (const field of fields.values()) field.paint(now);
  }
  requestAnimationFrame(loop);
}
requestAnimationFrame(loop);
