import type { NodeSnapshot } from '@shared/protocol';
import { expect, test } from 'vitest';

import { initialPanel, panelStep, type PanelState } from './panelState';

function snapshot(taken: number, sent: number): NodeSnapshot {
  const health = { taken, host: { network_received_bytes_per_s: 0, network_sent_bytes_per_s: sent } };
  return { health } as unknown as NodeSnapshot;
}

function after(snapshots: NodeSnapshot[]): PanelState {
  return snapshots.reduce(
    (state, one) => panelStep(state, { type: 'snapshot', snapshot: one }),
    initialPanel,
  );
}

test('the network gets one point a sample, not one a snapshot', () => {
  expect(
    after([snapshot(1, 10), snapshot(1, 10), snapshot(2, 20)]).network.map((point) => point.sent),
  ).toEqual([10, 20]);
});

test('two minutes are kept', () => {
  const state = after(Array.from({ length: 200 }, (_, i) => snapshot(i + 1, i)));
  expect(state.network).toHaveLength(120);
  expect(state.network.at(-1)?.sent).toBe(199);
});

test('a lost link keeps what was known', () => {
  const state = panelStep(after([snapshot(1, 1)]), { type: 'down' });
  expect(state.link).toBe('down');
  expect(state.snapshot).not.toBeNull();
});
