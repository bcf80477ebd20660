// What the charts' axes have in common.

export function decades(low, high) {
  if (!low || !high) return [1, 10_000];
  return [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high * 1.05))];
}

export function powers(low, high) {
  const ticks = [];
  for (let tick = low; tick <= high * 1.01; tick *= 10) ticks.push(tick);
  return ticks;
}

export function clock(seconds, stepS) {
  const text = new Date(seconds * 1000).toTimeString().slice(0, 8);
  return stepS < 60 ? text : text.slice(0, 5);
}

export function short(ms) {
  return ms < 1000 ? `${Number(ms.toPrecision(1))} ms` : `${ms / 1000} s`;
}

export function sizeOf(host) {
  return { width: Math.max(200, host.clientWidth), height: Math.max(100, host.clientHeight) };
}
