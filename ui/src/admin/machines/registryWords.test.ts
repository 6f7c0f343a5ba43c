import type { RegistryView } from '@shared/protocol';
import { describe, expect, it } from 'vitest';

import { canBeSetUp, registryWords } from './registryWords';

const view = (state: RegistryView['state'], since: number | null = null): RegistryView => ({
  state,
  since,
  place: null,
  address: null,
  configured: false,
  last_contact: null,
  message: null,
  machines: 0,
  machines_alive: 0,
});

describe('the registry in words', () => {
  it('says since when it is unreachable, with the day where it is not today', () => {
    const now = new Date();
    now.setHours(14, 3);
    expect(registryWords(view('unreachable', now.getTime()), 'en-GB')).toBe('Unreachable since 14:03');
    const before = new Date(2025, 0, 2, 3, 4).getTime();
    expect(registryWords(view('unreachable', before), 'en-GB')).toBe('Unreachable since 2 Jan 2025, 03:04');
  });

  it('has no moment where none counts', () => {
    expect(registryWords(view('connecting'))).toBe('Connecting');
    expect(registryWords(view('not_set_up', 5))).toBe('Not set up yet');
  });

  it('offers to set up only where that helps', () => {
    expect(
      (['off', 'connecting', 'not_set_up', 'up', 'unreachable', 'refused'] as const).filter((s) =>
        canBeSetUp(view(s)),
      ),
    ).toEqual(['not_set_up', 'refused']);
  });
});
