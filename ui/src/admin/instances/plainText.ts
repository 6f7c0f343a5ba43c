/** Colours and cursor moves that programs print for terminals (ECMA-48), and titles that they set (OSC). */
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const TERMINAL = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

/** A line of a log as text alone. */
export function plainText(line: string): string {
  return line.replace(TERMINAL, '');
}
