// Figures as people read them. A value and its unit are apart, so that the unit can stand back.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function count(value) {
  return whole.format(value);
}

export function rate(value) {
  return value >= 100 ? whole.format(value) : value.toFixed(1);
}

export function duration(ms) {
  if (ms === null || ms === undefined) return ["–", ""];
  if (ms < 10) return [ms.toFixed(1), "ms"];
  if (ms < 1000) return [ms.toFixed(0), "ms"];
  if (ms < 100_000) return [(ms / 1000).toFixed(1), "s"];
  return [(ms / 60_000).toFixed(1), "min"];
}

export function words(ms) {
  return duration(ms).join(" ").trim();
}

export function plural(many, one, more = `${one}s`) {
  return `${count(many)} ${many === 1 ? one : more}`;
}
