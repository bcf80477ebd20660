// A match or a ticket: where its time went, who played, and every event with its milliseconds.

import { byId, el, keep, setData, setText } from "./dom.js";
import { count } from "./format.js";
import { drawReceipt } from "./receipt.js";
import { drawWhy } from "./why.js";
import { brief, deeds, facts, link, matchAt, panel, serverAt, span, ticketAt, title } from "./parts.js";

const PHASES = [
  ["waiting", "in the queue", ["ticket.enqueued"], ["match.proposed", "ticket.cancelled", "ticket.expired"]],
  ["placing", "until announced", ["match.proposed"], ["match.announced", "match.closed"]],
  ["joining", "until the first player was in", ["match.announced"], ["player.joined"]],
  ["playing", "played", ["player.joined", "match.announced"], ["match.ended", "session.ended"]],
];
const OVER = new Set(["ended", "closed", "CANCELLED", "TIMED_OUT", "FAILED"]);
const WAITS = new Set(["QUEUED", "REQUIRES_ACCEPTANCE", "PLACING"]);
const STATE_OF = { forming: "starting", playing: "playing", ended: "claimed", closed: "failed" };
const STATE_OF_STATUS = { QUEUED: "starting", SEARCHING: "starting", REQUIRES_ACCEPTANCE: "starting", PLACING: "ready", COMPLETED: "playing" };

export function drawMatchPage(page) {
  title("match", brief(page.match), page.state, STATE_OF[page.state], page.reason);
  deeds([OVER.has(page.state) ? null : {
    operation: "endMatch",
    path: `/matches/${encodeURIComponent(page.match)}/end`,
    label: "End match",
    question: `End match ${brief(page.match)}?`,
    note: page.state === "forming"
      ? "If it is not committed yet, it is closed and its tickets wait on."
      : "Its players are told, and its room is free some seconds later.",
    grave: true,
  }]);
  facts([
    ["queue", page.queue],
    ["joined", page.of ? [brief(page.of), matchAt(page.of)] : ""],
    ["fleet", page.fleet],
    ["server", page.server ? [page.server.name, serverAt(page.server)] : ""],
    ["room", page.room.split("/").at(-1)],
    ["address", page.address],
    [page.epochs.length > 1 ? "session epochs" : "session epoch", page.epochs.join(", ")],
    ["players", count(page.teams.reduce((sum, team) => sum + team.seats.length, 0) || page.tickets.length)],
    ["id", page.match],
  ]);
  drawTeams(page.teams);
  drawReceipt(page.receipt);
  drawPhases(page.steps);
  drawSteps(page, "milliseconds since the first of its tickets was enqueued");
  return OVER.has(page.state);
}

export function drawTicketPage(page) {
  const status = page.status || "over";
  title("ticket", brief(page.ticket), status, STATE_OF_STATUS[status] ?? "leaving", page.reason);
  facts([
    ["queue", page.queue],
    [page.players.length > 1 ? "party" : "player", page.players.join(", ")],
    ["MMR", page.mmr === null ? "" : page.mmr.toFixed(0)],
    ...page.matches.map((match, n) => [
      page.matches.length > 1 ? `match ${n + 1}` : "match",
      [brief(match), matchAt(match)],
    ]),
    ["id", page.ticket],
  ]);
  drawWhy(page);
  drawPhases(page.steps);
  drawSteps(page, "milliseconds since it was enqueued");
  deeds([!WAITS.has(page.status) ? null : {
    operation: "cancelTicket",
    path: `/tickets/${encodeURIComponent(page.ticket)}/cancel`,
    label: "Cancel ticket",
    question: `Cancel ticket ${brief(page.ticket)}?`,
    note: "It leaves its queue, and its players are told.",
    grave: true,
  }]);
  return OVER.has(status) || page.steps.some((step) => step.kind === "match.ended");
}

function drawTeams(teams) {
  panel("teams", teams.length === 0);
  keep(byId("teams"), teams, {
    key: (team) => team.name,
    make: (team) => {
      const node = el("div", "team");
      const head = el("h3", "", team.name);
      head.append(el("span", "team-mmr"));
      node.append(head, el("ul"));
      return node;
    },
    update: (node, team) => {
      const said = [team.mmr === null ? "" : `mean ${team.mmr.toFixed(0)}`, team.open ? `${team.open} open` : ""];
      setText(node.firstElementChild.lastElementChild, said.filter(Boolean).join(" · "));
      keep(node.lastElementChild, team.seats, {
        key: (seat) => seat.player,
        make: () => {
          const item = el("li");
          item.append(el("span", "seat"), el("span", "seat-mmr"), el("span", "seat-wait"));
          return item;
        },
        update: (item, seat) => {
          link(item.children[0], seat.player, ticketAt(seat.ticket));
          setText(item.children[1], seat.mmr === null ? "" : seat.mmr.toFixed(0));
          const waited = seat.waited_ms === null ? "" : `waited ${span(Math.max(0, seat.waited_ms))}`;
          setText(item.children[2], seat.newcomer ? "newcomer" : waited);
        },
      });
    },
  });
}

function drawPhases(steps) {
  const spans = PHASES.map(([name, meaning, begins, ends]) => {
    const begin = steps.find((step) => step.kind === first(steps, begins));
    const end = begin && steps.find((step) => ends.includes(step.kind) && step.t_ms >= begin.t_ms);
    return { name, meaning, ms: begin && end ? end.t_ms - begin.t_ms : null };
  }).filter((phase) => phase.ms !== null);
  byId("phases-panel").hidden = spans.length === 0;
  keep(byId("phases"), spans, {
    key: (phase) => phase.name,
    make: (phase) => {
      const part = el("i");
      part.dataset.phase = phase.name;
      return part;
    },
    update: (part, phase) => {
      part.style.flexGrow = Math.sqrt(Math.max(1, phase.ms));
    },
  });
  byId("phases").setAttribute("aria-label", spans.map((phase) => `${span(phase.ms)} ${phase.meaning}`).join(", "));
  keep(byId("phase-legend"), spans, {
    key: (phase) => phase.name,
    make: (phase) => {
      const item = el("li");
      item.dataset.phase = phase.name;
      item.append(el("b"), ` ${phase.meaning}`);
      return item;
    },
    update: (item, phase) => setText(item.firstElementChild, span(phase.ms)),
  });
}

// The first of the wanted kinds that there is: who has joined is told only where servers write.
function first(steps, kinds) {
  return kinds.find((kind) => steps.some((step) => step.kind === kind));
}

function drawSteps({ steps, source }, note) {
  panel("timeline");
  const stored = source === "store" ? "; from the stored record, since the streams no longer tell" : "";
  setText(byId("timeline-note"), note + stored);
  const seen = new Map();
  const named = steps.map((step, n) => {
    const base = `${step.src} ${step.kind} ${step.t_ms} ${step.words}`;
    seen.set(base, (seen.get(base) ?? 0) + 1);
    return { ...step, key: `${base} ${seen.get(base)}`, stepMs: n ? step.t_ms - steps[n - 1].t_ms : null };
  });
  keep(byId("timeline"), named, { key: (step) => step.key, make: makeStep, update: drawStep });
}

function makeStep(step) {
  const node = el("li");
  const role = step.src.split("/")[0];
  node.dataset.role = role;
  node.dataset.kind = step.kind;
  node.title = new Date(step.t_ms).toISOString();
  const at = el("span", "at");
  const text = el("span", "words", step.words);
  node.append(at, el("i", "bead"), text, el("span", "on"), el("span", "src", `${step.src} · ${step.kind}`));
  return node;
}

function drawStep(node, step) {
  const [at, , , on] = node.children;
  setText(at, `${step.since_ms < 0 ? "−" : "+"}${count(Math.abs(step.since_ms))} ms`);
  setData(node, "step", step.stepMs === null ? "" : `${count(step.stepMs)} ms later`);
  at.title = node.dataset.step;
  link(on, step.server ? step.server.name : "", serverAt(step.server));
}
