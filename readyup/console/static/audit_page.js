// The audit: who changed what, the newest first.

import { el, keep, byId, setData, setText } from "./dom.js";
import { facts, link, matchAt, panel, serverAt, ticketAt, title } from "./parts.js";

const WORDS = {
  signIn: "signed in",
  signOut: "signed out",
  cancelTicket: "cancelled ticket",
  endMatch: "ended match",
  pauseQueue: "paused queue",
  resumeQueue: "resumed queue",
  pauseFleet: "paused fleet",
  resumeFleet: "resumed fleet",
  planFleet: "announced a size:",
  unplanFleet: "took back a size:",
  retireServer: "gave up server",
  dropSessions: "signed out everywhere:",
};
const WAYS = { cancelTicket: ticketAt, endMatch: matchAt, retireServer: (uid) => serverAt({ uid }) };
const when = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "medium" });

export function drawAuditPage({ records }) {
  title("console", "Audit", "", "claimed", "every change, before it was made and after");
  facts([]);
  panel("audit", records.length === 0);
  byId("audit").parentElement.hidden = records.length === 0;
  keep(byId("audit"), records, {
    key: (record) => record.id,
    make: () => {
      const row = el("tr");
      row.append(el("th", "audit-when"), el("td"), el("td"), el("td"), el("td"));
      row.firstElementChild.scope = "row";
      return row;
    },
    update: (row, record) => {
      const [at, who, what, outcome, why] = row.children;
      setText(at, when.format(record.t_ms));
      setText(who, `${record.who}${record.ip ? ` (${record.ip})` : ""}`);
      const target = record.target.length > 46 ? `${record.target.slice(0, 46)}…` : record.target;
      const way = record.target ? WAYS[record.what]?.(record.target) : "";
      link(what, `${WORDS[record.what] ?? record.what} ${target}`, way ?? "");
      const came = record.outcome ?? "unknown";
      setText(outcome, came === "done" && record.after ? `done: ${record.after}` : came);
      setData(outcome, "outcome", came);
      setText(why, [record.reason, record.detail].filter(Boolean).join(" · "));
    },
  });
  return false;
}
