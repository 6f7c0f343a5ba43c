import { expect, test } from 'vitest';

import { plainText } from './plainText';

test.each([
  ['\u001b[90m(D) main\u001b[0m  ready', '(D) main  ready'],
  ['\u001b[1;38;5;214mwarm\u001b[m', 'warm'],
  ['\u001b]0;title\u0007text', 'text'],
  ['[37m is no escape', '[37m is no escape'],
  ['plain ü', 'plain ü'],
])('%j reads as %j', (line, text) => {
  expect(plainText(line)).toBe(text);
});
