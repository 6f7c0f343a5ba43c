import type { InstanceView, ServerView } from '@shared/protocol';

/** "2 of 4 places free" over all machines; nothing while no machine is known. */
export function roomWords(servers: ServerView[]): { words: string; full: boolean } | null {
  if (servers.length === 0) return null;
  if (servers.every((server) => server.draining)) return { words: 'Out of service soon', full: true };
  const free = servers.reduce((sum, server) => sum + server.slots_free, 0);
  const total = servers.reduce((sum, server) => sum + server.slots_total, 0);
  return free === 0
    ? { words: 'All places taken', full: true }
    : { words: `${free} of ${total} ${total === 1 ? 'place' : 'places'} free`, full: false };
}

/** The name of the machine that an instance runs on; nothing while there is one machine only. */
export function machineOf(instance: InstanceView, servers: ServerView[]): string | null {
  if (servers.length < 2) return null;
  return servers.find((server) => server.server_id === instance.server_id)?.name ?? null;
}
