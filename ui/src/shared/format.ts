// Figures as people read them.

/**
 * A language tag that `Intl` surely takes. With `LANG=C.UTF-8`, usual in containers, WebKitGTK reports the language "C",
 * and `new Intl.NumberFormat("C")` throws.
 */
export function safeLocale(language: string | undefined): string {
  try {
    return Intl.getCanonicalLocales(language)[0] ?? 'en-US';
  } catch {
    return 'en-US';
  }
}

// Absent where the tests run.
const { navigator } = globalThis as { navigator?: Navigator };
const locale = safeLocale(navigator?.language);
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const oneDecimal = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });

/** What is shown where a figure is not known. */
export const UNKNOWN = '–';

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

export function bytes(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return UNKNOWN;
  const power = Math.min(BYTE_UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  const scaled = value / 1_000 ** power;
  return `${scaled < 10 && power > 0 ? oneDecimal.format(scaled) : whole.format(scaled)} ${BYTE_UNITS[power] ?? 'B'}`;
}

export function bytesPerSecond(value: number | null | undefined): string {
  return value == null ? UNKNOWN : `${bytes(value)}/s`;
}

export function percent(value: number | null | undefined): string {
  return value == null || !Number.isFinite(value) ? UNKNOWN : `${whole.format(value)} %`;
}

/** A figure with its unit; `digits` decimals at most. */
export function figure(value: number | null | undefined, unit: string, digits: 0 | 1 = 0): string {
  if (value == null || !Number.isFinite(value)) return UNKNOWN;
  return `${(digits === 0 ? whole : oneDecimal).format(value)} ${unit}`;
}

export function bitrate(kbps: number | null | undefined): string {
  if (kbps == null) return UNKNOWN;
  return kbps >= 1_000 ? figure(kbps / 1_000, 'Mbit/s', 1) : figure(kbps, 'kbit/s');
}

/** The largest two units: `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) return pair(Math.floor(s / 3_600), 'h', Math.floor((s % 3_600) / 60), 'min');
  return pair(Math.floor(s / 86_400), 'd', Math.floor((s % 86_400) / 3_600), 'h');
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** How long ago, in words. A clock that runs ahead makes no future. */
export function age(sinceMs: number, nowMs: number): string {
  const s = (nowMs - sinceMs) / 1_000;
  return s < 5 ? 'just now' : `${duration(s)} ago`;
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${whole.format(n)} ${n === 1 ? one : many}`;
}

/** Words from elsewhere as a sentence of ours: it begins with a capital letter. */
export function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}
