// The server grid: one tile a server, coloured by how near it is to being played on.

import { byId, el, keep, setData, setText } from "./dom.js";
import { count, plural, words } from "./format.js";
import { makeDeed, pauseDeed, pausedWords, setDeed } from "./operator.js";
import { drawPool, makePool } from "./pool.js";

const ROOM_WORDS = { f: "free", h: "held", r: "retiring", s: "suspect", "-": "not in the pool yet" };
const STEP_WORDS = {
  playing: "playing",
  claimed: "claimed",
  ready: "ready",
  starting: "starting",
  leaving: "leaving",
  failed: "failed",
};
const HINT = "Bar: how late ticks are at p99 (mark: p99.9), on a logarithmic scale; full is one whole tick.";

// A hundredth of a millisecond is what a good tick looks like; below it there is nothing to see.
const FLOOR_MS = 0.01;

let chosen = "";

export function drawServers({ fleets }) {
  const servers = fleets.flatMap((fleet) => fleet.servers);
  byId("servers-empty").hidden = servers.length > 0;
  setText(byId("servers-note"), note(fleets, servers));
  keep(byId("fleets"), fleets.filter((fleet) => fleet.servers.length), {
    key: (fleet) => fleet.name,
    make: makeFleet,
    update: (node, fleet) => drawFleet(node, fleet, fleets.length > 1),
  });
  const looked = servers.find((server) => server.uid === chosen);
  setText(byId("servers-detail"), looked ? sentence(looked) : servers.length ? HINT : "");
}

function note(fleets, servers) {
  if (!servers.length) return "";
  const more = fleets.reduce((sum, fleet) => sum + fleet.more_servers, 0);
  const rooms = servers.reduce((sum, server) => sum + server.rooms.length, 0);
  const late = Math.max(0, ...servers.map((server) => server.tick?.p999_ms ?? 0));
  const parts = [plural(servers.length + more, "server"), plural(rooms, "room")];
  if (more) parts.push(`${count(more)} not shown`);
  if (late) parts.push(`worst tick p99.9 ${words(late)}`);
  return parts.join(" · ");
}

function makeFleet() {
  const node = el("div", "fleet");
  const line = el("div", "fleet-line");
  line.append(el("p", "fleet-name"), el("span", "paused"), makeDeed());
  node.append(line, makePool(), el("ul", "tiles"));
  return node;
}

function drawFleet(node, fleet, named) {
  const [line, pool, tiles] = node.children;
  const [name, paused, button] = line.children;
  setText(name, named ? `fleet ${fleet.name}` : "");
  paused.hidden = !fleet.paused;
  setText(paused, pausedWords(fleet.paused));
  setDeed(button, pauseDeed("fleet", fleet.name, fleet.paused));
  line.hidden = !named && !fleet.paused && button.hidden;
  drawPool(pool, fleet);
  setData(tiles, "size", fleet.servers.length > 40 ? "small" : fleet.servers.length > 16 ? "middle" : fleet.servers.length > 6 ? "large" : "huge");
  keep(tiles, fleet.servers, { key: (server) => server.uid, make: makeTile, update: drawTile });
}

function makeTile(server) {
  const node = el("li");
  const tile = el("a", "tile");
  tile.href = `/servers/${encodeURIComponent(server.uid)}`;
  const first = el("span", "line");
  first.append(el("b", "name"), el("span", "port"), el("span", "step"));
  const second = el("span", "line");
  second.append(el("span", "rooms"), el("span", "players"));
  const bar = el("span", "late");
  bar.append(el("i", "late-p99"), el("i", "late-p999"));
  const last = el("span", "line small");
  last.append(el("span", "core"), el("span", "shared"), el("span", "tick"));
  tile.append(first, second, bar, last);
  const look = () => {
    chosen = server.uid;
    setText(byId("servers-detail"), tile.getAttribute("aria-label"));
  };
  tile.addEventListener("focus", look);
  tile.addEventListener("mouseenter", look);
  node.append(tile);
  return node;
}

function drawTile(node, server) {
  const tile = node.firstElementChild;
  setData(tile, "step", server.step);
  setData(tile, "health", server.health);
  tile.setAttribute("aria-label", sentence(server));
  const find = (name) => tile.getElementsByClassName(name)[0];
  // Names begin with the fleet's, as Agones has them; the sentence below tells the whole.
  setText(find("name"), server.name.split("-").at(-1));
  setText(find("port"), server.port ? `:${server.port}` : "");
  setText(find("step"), server.health === "silent" ? "silent" : STEP_WORDS[server.step]);
  setText(find("players"), server.players ? plural(server.players, "player") : "");
  drawRooms(find("rooms"), server.rooms);
  setText(find("core"), cores(server.cores));
  setText(find("shared"), server.shared ? `shared ×${server.shared + 1}` : "");
  drawTick(tile, find, server.tick);
}

function drawRooms(node, rooms) {
  if (node.dataset.rooms === rooms) return;
  node.dataset.rooms = rooms;
  while (node.children.length > rooms.length) node.lastElementChild.remove();
  while (node.children.length < rooms.length) node.append(el("i", "room"));
  [...rooms].forEach((letter, n) => setData(node.children[n], "room", letter));
}

function drawTick(tile, find, tick) {
  setText(find("tick"), tick ? words(tick.p99_ms) : "");
  const budget = tick?.rate_hz ? 1000 / tick.rate_hz : 50;
  const p99 = tick?.p99_ms ?? 0;
  setData(tile, "late", !tick ? "none" : p99 < budget / 4 ? "well" : p99 < budget ? "late" : "lost");
  find("late-p99").style.width = `${100 * share(p99, budget)}%`;
  find("late-p999").style.left = `${100 * share(tick?.p999_ms ?? 0, budget)}%`;
}

function share(ms, budget) {
  return Math.min(1, Math.max(0, Math.log(ms / FLOOR_MS) / Math.log(budget / FLOOR_MS))) || 0;
}

function cores(list) {
  if (!list.length) return "not pinned";
  return list.length === 1 ? `core ${list[0]}` : `cores ${list.join(", ")}`;
}

function sentence(server) {
  const rooms = [...server.rooms].map((letter) => ROOM_WORDS[letter] ?? letter);
  const parts = [
    `${server.name}: ${server.state}`,
    `${server.address}:${server.port}`,
    server.pinned || cores(server.cores),
    `rooms ${rooms.join(", ")}`,
    plural(server.players, "player"),
  ];
  if (server.version) parts.push(`version ${server.version}`);
  if (server.tick) {
    const { p50_ms, p99_ms, p999_ms, instability } = server.tick;
    parts.push(`ticks late by ${words(p50_ms)} p50, ${words(p99_ms)} p99, ${words(p999_ms)} p99.9`);
    parts.push(`instability ${instability.toFixed(3)}`);
  }
  if (server.health !== "ok") parts.push(server.health === "new" ? "no heartbeat yet" : server.health);
  return parts.join(" · ");
}
