// The page's one connection: takes what the stream says, has it drawn, and says when it is gone.

import { drawCharts, takeHistory } from "./charts.js";
import { byId, setData, setText } from "./dom.js";
import { drawFigures, drawPromises } from "./figures.js";
import { words } from "./format.js";
import { drawMatches } from "./matches.js";
import { drawQueues } from "./queues.js";
import { checkSignIn } from "./operator.js";
import { drawServers } from "./servers.js";

const SILENCE_MS = 3000; // frames come each quarter of a second
const AGAIN_MS = 2000;

let heard = 0;
let page = null;
let drawn = true;

function connect() {
  const stream = new EventSource("/console/stream");
  stream.addEventListener("history", ({ data }) => takeHistory(JSON.parse(data)));
  stream.addEventListener("snapshot", ({ data }) => {
    page = JSON.parse(data);
    heard = performance.now();
    if (drawn) requestAnimationFrame(draw);
    drawn = false;
  });
  // A browser tries again by itself, unless it was refused: then it is ours to ask. Whoever was
  // signed out meanwhile is led to the login page.
  stream.addEventListener("error", () => {
    if (stream.readyState !== EventSource.CLOSED) return;
    setTimeout(connect, AGAIN_MS);
    checkSignIn();
  });
}

function draw() {
  drawn = true;
  for (const part of [drawFigures, drawServers, drawQueues, drawMatches, drawCharts, drawPromises]) {
    part(page);
  }
  document.title = `${page.totals.players_waiting} waiting · ReadyUp`;
  watch();
}

function watch() {
  const silentMs = performance.now() - heard;
  const lost = heard > 0 && silentMs > SILENCE_MS;
  const storeLostMs = page?.store_lost_ms ?? 0;
  // The status beside the name is what is read aloud; this text changes each second.
  const banner = byId("banner");
  banner.hidden = !(lost || storeLostMs);
  if (lost) {
    setText(banner, `Connection lost. This is how it was ${words(silentMs)} ago; trying again.`);
  } else if (storeLostMs) {
    setText(banner, `Redis does not answer. This is how it was ${words(storeLostMs)} ago.`);
  }
  const state = !heard ? "wait" : lost ? "lost" : storeLostMs ? "stale" : "live";
  setData(byId("status"), "state", state);
  setText(byId("status"), { wait: "connecting", lost: "lost", stale: "stale", live: "live" }[state]);
  setData(byId("board"), "stale", lost || storeLostMs > 0);
}

setInterval(watch, 1000);
connect();
