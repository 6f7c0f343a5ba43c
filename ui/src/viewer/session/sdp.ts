/** Tells one far peer from another: a renegotiation or an ICE restart keeps its DTLS certificate, a new peer has its own. */
export function fingerprint(sdp: string): string | null {
  return /^a=fingerprint:\s*(.+?)\s*$/m.exec(sdp)?.[1] ?? null;
}
