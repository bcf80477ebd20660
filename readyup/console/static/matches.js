// Matches on their way: proposed, room held, announced, playing.

import { byId, el, keep, setData, setText } from "./dom.js";
import { count, plural } from "./format.js";

const STEPS = ["proposed_ms", "held_ms", "announced_ms", "playing_ms"];
const ROWS = 14;

export function drawMatches({ matches }) {
  byId("matches-empty").hidden = matches.length > 0;
  byId("matches-list").hidden = matches.length === 0;
  keep(byId("matches"), matches.slice(0, ROWS), {
    key: (match) => match.match,
    make: makeRow,
    update: drawRow,
  });
}

function makeRow(match) {
  const row = el("tr");
  const name = el("th");
  name.scope = "row";
  const way = el("a", "way");
  way.href = `/matches/${encodeURIComponent(match.match)}`;
  way.append(el("span", "queue-chip"), el("span", "teams"), el("span", "where"));
  name.append(way);
  row.append(name);
  for (const step of STEPS) {
    const cell = el("td");
    cell.dataset.stepOf = step;
    cell.append(el("i", "bead"), el("span"));
    row.append(cell);
  }
  return row;
}

function drawRow(row, match) {
  const [name, ...cells] = row.children;
  const [queue, sides, where] = name.firstElementChild.children;
  setText(queue, match.queue);
  setText(sides, teams(match));
  setText(where, match.server.split("-").at(-1));
  setData(row, "state", match.closed ? "closed" : match.playing_ms ? "playing" : "forming");
  row.title = match.closed ? `given up: ${match.closed}` : "";
  cells.forEach((cell, n) => {
    const at = match[STEPS[n]];
    const inLine = n === 1 && !at && match.in_line_ms && !match.closed;
    const asks = n === 1 && !at && match.asks_until_ms > 0;
    setData(cell, "done", at ? "yes" : inLine || asks ? "line" : "no");
    setText(cell.lastElementChild, asks ? "asking" : label(match, n, at, inLine));
  });
}

function label(match, n, at, inLine) {
  if (inLine) return "in line";
  if (!at || n === 0) return "";
  if (!match.proposed_ms) return "";
  return `+${count(Math.max(0, at - match.proposed_ms))}`;
}

function teams({ teams: means, players }) {
  const known = means.filter((mean) => mean !== null);
  if (known.length < 2) return plural(players, "player");
  if (known.length > 2) return `${known.length} teams`;
  return known.map((mean) => mean.toFixed(0)).join(" : ");
}
