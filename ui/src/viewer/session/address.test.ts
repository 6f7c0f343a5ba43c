import { memory } from '@shared/storage';
import { expect, test } from 'vitest';

import { inviteOf, instanceOf, keptInvite, signalUrl } from './address';

const ID = '0a1b2c3d-1111-4222-8333-444455556666';

test('the instance is the uuid of the address', () => {
  expect(instanceOf(`/stream/${ID}`)).toBe(ID);
  expect(instanceOf(`/stream/${ID.toUpperCase()}/`)).toBe(ID);
});

test.each(['/', '/stream/', '/stream/7', `/stream/${ID}/x`, `/x/stream/${ID}`])(
  '%s names no instance',
  (path) => {
    expect(instanceOf(path)).toBeNull();
  },
);

test('an invite is read from the fragment', () => {
  expect(inviteOf('#invite=abc-_1')).toBe('abc-_1');
  expect(inviteOf('')).toBeNull();
  expect(inviteOf('#other=1')).toBeNull();
});

test('an invite outlives a reload in its tab, for its instance only', () => {
  const tab = memory(() => {
    throw new Error('no storage here');
  });
  expect(keptInvite(ID, '#invite=secret', tab)).toBe('secret');
  expect(keptInvite(ID, '', tab)).toBe('secret');
  expect(keptInvite(ID.replace('0', '9'), '', tab)).toBeNull();
});

test('a secure page has a secure socket', () => {
  expect(signalUrl({ protocol: 'https:', host: 'a:8443' }, ID)).toBe(
    `wss://a:8443/api/v1/instances/${ID}/signal`,
  );
  expect(signalUrl({ protocol: 'http:', host: 'b' }, ID)).toMatch(/^ws:/);
});
