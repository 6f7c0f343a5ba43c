import type { InstanceState, InstanceView } from '@shared/protocol';
import { expect, test } from 'vitest';

import { applyEvent, parseEvent } from './instances';

function view(instance_id: string, created: number, state: InstanceState = 'ready'): InstanceView {
  return {
    instance_id,
    state,
    phase: null,
    detail: null,
    standby: false,
    fetches: false,
    rescue: null,
    ending: null,
    progress: null,
    attempt: 1,
    message: null,
    build: 'demo',
    build_name: 'Demo sky',
    demo: true,
    profile: null,
    server_id: 's',
    url: `/stream/${instance_id}`,
    viewers: 0,
    created,
  };
}

const ids = (list: InstanceView[]) => list.map((one) => one.instance_id);

test('the whole list replaces what was known', () => {
  expect(
    ids(applyEvent([view('old', 1)], { type: 'instances', list: [view('a', 1), view('b', 2)] })),
  ).toEqual(['b', 'a']);
});

test('one instance is changed in place, or added', () => {
  const list = [view('b', 2), view('a', 1)];
  const changed = applyEvent(list, { type: 'instance', instance: view('a', 1, 'stopping') });
  expect(changed.map((one) => one.state)).toEqual(['ready', 'stopping']);
  expect(ids(applyEvent(null, { type: 'instance', instance: view('c', 3) }))).toEqual(['c']);
});

test('what runs comes before what has ended', () => {
  const list = applyEvent(null, { type: 'instances', list: [view('ended', 9, 'stopped'), view('runs', 1)] });
  expect(ids(list)).toEqual(['runs', 'ended']);
});

test('a removed instance is gone, and an unknown one was never there', () => {
  const list = [view('a', 1)];
  expect(applyEvent(list, { type: 'removed', instance_id: 'a' })).toEqual([]);
  expect(applyEvent(list, { type: 'removed', instance_id: 'x' })).toEqual(list);
});

test('the tag of an event is in its data, or else its name', () => {
  expect(parseEvent('removed', '{"instance_id":"a"}')).toEqual({ type: 'removed', instance_id: 'a' });
  expect(parseEvent('message', '{"type":"instances","list":[]}')).toEqual({ type: 'instances', list: [] });
  expect(parseEvent('instances', 'not json')).toBeNull();
});
