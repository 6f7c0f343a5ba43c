import { expect, test } from 'vitest';

import { fingerprint } from './sdp';

test('a far peer is known by its certificate', () => {
  const sdp =
    'v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\na=fingerprint:sha-256 AB:CD\r\nm=video 9\r\na=fingerprint:sha-256 AB:CD\r\n';
  expect(fingerprint(sdp)).toBe('sha-256 AB:CD');
  expect(fingerprint(sdp.replace('- 1 2', '- 1 3'))).toBe(fingerprint(sdp));
  expect(fingerprint('v=0\r\n')).toBeNull();
});
