import { expect, test } from 'vitest';

import { EventParser, type ServerEvent } from './sse';

const STREAM =
  ': hello\n\nevent: instances\ndata: {"list":\ndata:  []}\n\ndata: plain\r\n\r\nevent: unsent\n\nid: 7\nretry: 10\ndata\n\nevent: last\rdata: ü😀\r\r\n';

const EVENTS: ServerEvent[] = [
  { event: 'instances', data: '{"list":\n []}' },
  { event: 'message', data: 'plain' },
  { event: 'message', data: '' },
  { event: 'last', data: 'ü😀' },
];

function parse(pieces: string[]): ServerEvent[] {
  const parser = new EventParser();
  return pieces.flatMap((piece) => parser.push(piece));
}

test('fields, names, comments and all three line ends', () => {
  expect(parse([STREAM])).toEqual(EVENTS);
});

test('pieces may end anywhere', () => {
  for (let size = 1; size < 12; size += 1) {
    const pieces = STREAM.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
    expect(parse(pieces), `pieces of ${size}`).toEqual(EVENTS);
  }
});

test('an event that was not finished is not told', () => {
  expect(parse(['data: half\n'])).toEqual([]);
});
