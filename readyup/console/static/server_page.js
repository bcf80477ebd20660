// One server: what it is, how late its ticks are, its rooms and matches, and what it prints.

import { byId, setText } from "./dom.js";
import { count, plural, words } from "./format.js";
import { ago, brief, deeds, facts, matchAt, panel, rows, span, title } from "./parts.js";
import { drawTicks } from "./tick_chart.js";

const ROOM_WORDS = { free: "free", held: "held", retiring: "retiring", suspect: "suspect", "": "not in the pool" };

export function drawServerPage(page) {
  const { tile, gone } = page;
  const silent = tile.health === "silent";
  title(
    "game server",
    tile.name,
    gone ? "gone" : silent ? "silent" : tile.step,
    gone || silent ? "failed" : tile.step,
    gone ? `${gone}, ${ago(page.now_ms - page.gone_ms)}` : "",
  );
  deeds([gone || tile.step === "leaving" || !/[fhs]/.test(tile.rooms) ? null : {
    operation: "retireServer",
    path: `/servers/${encodeURIComponent(tile.uid)}/retire`,
    label: "Give up",
    question: `Give up ${tile.name}?`,
    note: "Its rooms take no new match, and it ends after its last one. There is no way back.",
    grave: true,
  }]);
  facts([
    ["state", gone ? "" : tile.state],
    ["fleet", page.fleet],
    ["address", tile.port ? `${tile.address}:${tile.port}` : ""],
    ["cores", tile.pinned || (tile.cores.length ? tile.cores.join(", ") : "not pinned")],
    ["players", gone ? "" : count(tile.players)],
    ["up for", page.created_ms ? span((page.gone_ms || page.now_ms) - page.created_ms) : ""],
    ["heartbeat", page.beat_ms && !gone ? ago(page.now_ms - page.beat_ms) : ""],
    ["tick rate", tile.tick?.rate_hz ? `${tile.tick.rate_hz.toFixed(1)} Hz` : ""],
    ["instability", tile.tick ? tile.tick.instability.toFixed(3) : ""],
    ["version", tile.version],
    ["process", page.pid ? String(page.pid) : ""],
    ["uid", tile.uid],
  ]);
  drawTicks(page.ticks);
  if (!gone) drawRooms(page.rooms);
  else byId("rooms-panel").hidden = true;
  drawHosted(page);
  drawLog(page.log);
  return Boolean(gone);
}

function drawRooms(rooms) {
  rows("rooms", rooms, (room) => room.room, (room) => [
    [room.room.split("/").at(-1)],
    [ROOM_WORDS[room.state] ?? room.state],
    room.match ? [brief(room.match), matchAt(room.match)] : ["–"],
    [room.epoch ? count(room.epoch) : "–"],
    [plural(room.served, "match", "matches")],
  ]);
}

function drawHosted({ matches, now_ms }) {
  rows("hosted", matches, (match) => match.match, (match) => [
    [brief(match.match), matchAt(match.match)],
    [match.players ? count(match.players) : "–"],
    [match.began_ms ? ago(now_ms - match.began_ms) : "–"],
    [match.ended_ms && match.began_ms ? words(match.ended_ms - match.began_ms) : "–"],
    [match.state === "playing" ? "playing" : match.reason || match.state],
  ]);
}

function drawLog(lines) {
  panel("log", !lines?.length);
  const node = byId("log");
  node.hidden = !lines?.length;
  setText(byId("log-note"), lines?.length ? `the last ${plural(lines.length, "line")}, live` : "");
  setText(
    byId("log-empty"),
    lines ? "It has printed nothing." : "Its log is not on this machine; on Kubernetes: kubectl logs NAME.",
  );
  if (!lines?.length) return;
  // Whoever scrolled up to read is left in peace.
  const atEnd = node.scrollHeight - node.scrollTop - node.clientHeight < 24;
  setText(node, lines.join("\n"));
  if (atEnd) node.scrollTop = node.scrollHeight;
}
