import { expect, test } from 'vitest';

import { farPeer } from './sdp';

const sdp =
  'v=0\r\no=- 4711 1 IN IP4 0.0.0.0\r\na=fingerprint:sha-256 AB:CD\r\na=ice-ufrag:one\r\nm=video 9\r\na=fingerprint:sha-256 AB:CD\r\n';

test('a renegotiation and an ICE restart are of the same far peer', () => {
  const again = sdp.replace('4711 1', '4711 2').replace('ufrag:one', 'ufrag:two');
  expect(farPeer(again)).toBe(farPeer(sdp));
});

test('a new session or a new certificate is a new far peer', () => {
  expect(farPeer(sdp.replace('4711', '4712'))).not.toBe(farPeer(sdp));
  expect(farPeer(sdp.replaceAll('AB:CD', 'EF:01'))).not.toBe(farPeer(sdp));
});
