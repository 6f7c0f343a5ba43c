// `localStorage.session_id`: ties this browser to its instances.

import { askJson } from './http';
import type { SessionCreated } from '@shared/protocol';
import { lasting } from './storage';

const KEY = 'session_id';

export const sessionId = {
  get: () => lasting.get(KEY),
  forget: () => lasting.remove(KEY),
  /** The known one, or a new one. */
  ensure: async (): Promise<string> => lasting.get(KEY) ?? (await renew()),
  renew,
};

async function renew(): Promise<string> {
  const { session_id } = await askJson<SessionCreated>('/api/v1/sessions', { method: 'POST' });
  lasting.set(KEY, session_id);
  return session_id;
}
