// What the panel draws: the newest snapshot, and the network's last two minutes, which the node does not keep. Pure.

import type { NodeSnapshot } from '@shared/protocol';

/** As many seconds as the node keeps of the other figures. */
const NETWORK_POINTS = 120;

export type NetworkPoint = { received: number; sent: number };

export type PanelState = {
  link: 'connecting' | 'up' | 'down';
  snapshot: NodeSnapshot | null;
  network: NetworkPoint[];
};

export const initialPanel: PanelState = { link: 'connecting', snapshot: null, network: [] };

export type PanelInput = { type: 'up' } | { type: 'down' } | { type: 'snapshot'; snapshot: NodeSnapshot };

export function panelStep(state: PanelState, input: PanelInput): PanelState {
  switch (input.type) {
    case 'up':
      return { ...state, link: 'up' };
    case 'down':
      return { ...state, link: 'down' };
    case 'snapshot':
      return { link: 'up', snapshot: input.snapshot, network: withNetwork(state, input.snapshot) };
  }
}

/** Snapshots come at each change; a new sample of health comes once a second. */
function withNetwork({ snapshot, network }: PanelState, next: NodeSnapshot): NetworkPoint[] {
  const health = next.health;
  if (!health || health.taken === snapshot?.health?.taken) return network;
  const { network_received_bytes_per_s: received, network_sent_bytes_per_s: sent } = health.host;
  return [...network, { received, sent }].slice(-NETWORK_POINTS);
}
