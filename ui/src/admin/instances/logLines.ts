// Which lines of a log somebody wants to read. Pure.

export const levels = ['all', 'warnings', 'errors'] as const;
export type Level = (typeof levels)[number];

/** As many as one scrolls through; the file has them all. */
export const LINES_KEPT = 5_000;

/** OpenSpace writes `(W) Category  message`; the demo and most programs put a word. A line without a level goes with the one before it. */
const LEVEL = /^(?:\[[^\]]*\]\s*)?\(([TDIWEF])\)\s|\b(warning|error|fatal|panicked)\b/i;

export function rankOf(line: string): 0 | 1 | 2 | null {
  const found = LEVEL.exec(line);
  if (!found) return null;
  const [, letter, word] = found;
  if (letter) return 'EF'.includes(letter.toUpperCase()) ? 2 : letter.toUpperCase() === 'W' ? 1 : 0;
  return word?.toLowerCase() === 'warning' ? 1 : 2;
}

export function filtered(lines: string[], level: Level, search: string): string[] {
  const least = levels.indexOf(level);
  const wanted = search.trim().toLowerCase();
  let rank = 0;
  return lines.filter((line) => {
    const own = rankOf(line);
    if (own !== null) rank = own;
    else if (!/^\s/.test(line)) rank = 0;
    return rank >= least && line.toLowerCase().includes(wanted);
  });
}
