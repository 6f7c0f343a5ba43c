/**
 * Tells one far peer from another. A renegotiation or an ICE restart keeps the session id of the `o=` line (RFC 9429 §5.2.2)
 * and the DTLS certificate; a new peer has a new session id, even where all peers of a server share one certificate.
 */
export function farPeer(sdp: string): string {
  const session = /^o=\S+ (\S+) /m.exec(sdp)?.[1] ?? '';
  const fingerprint = /^a=fingerprint:\s*(.+?)\s*$/m.exec(sdp)?.[1] ?? '';
  return `${session} ${fingerprint}`;
}
