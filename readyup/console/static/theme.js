// Colours come from the style sheet, so that light and dark are decided in one place.

const dark = matchMedia("(prefers-color-scheme: dark)");

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function onThemeChange(then) {
  dark.addEventListener("change", then);
}
