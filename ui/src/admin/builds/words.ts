// From fields that people type to what the node is told, and what it tells to what people read. Pure.

import { sentence } from '@shared/format';
import type { FetchStep, FetchView } from '@shared/protocol';

/** Splits a command line as a shell would, without its expansions: blanks separate, quotes and `\` keep. */
export function splitCommand(line: string): string[] {
  const words: string[] = [];
  const pattern = /"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)|(\s+)|([^\s"'\\]+)/gs;
  let word: string | null = null;
  for (const [, double, single, escaped, blank, plain] of line.matchAll(pattern)) {
    if (blank !== undefined) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? '') + (double?.replace(/\\(["\\])/g, '$1') ?? single ?? escaped ?? plain ?? '');
    }
  }
  return word === null ? words : [...words, word];
}

export type Env = { ok: true; env: Record<string, string> } | { ok: false; problem: string };

/** One `NAME=value` a line. */
export function parseEnv(text: string): Env {
  const env: Record<string, string> = {};
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '') continue;
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (!match?.[1]) return { ok: false, problem: `“${line}” is not of the form NAME=value.` };
    env[match[1]] = match[2] ?? '';
  }
  return { ok: true, env };
}

export function fetchIsOver(step: FetchStep): boolean {
  return step === 'done' || step === 'failed' || step === 'cancelled';
}

/** What a fetch that is under way does. */
export function fetchState({ step, message }: Pick<FetchView, 'step' | 'message'>): string {
  const words =
    message ?? (step === 'waiting' ? 'waiting for its turn' : step === 'ending' ? 'ending' : 'starting');
  return sentence(words);
}
