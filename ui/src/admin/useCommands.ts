import { notifications } from '@mantine/notifications';
import { inWords } from '@shared/http';
import type { AdminCommand, AdminReply } from '@shared/protocol';
import { useState } from 'react';

import type { Backend } from './backend/backend';

export type Commands = {
  /** Sends a command; the next snapshot shows what came of it. `null` when it was refused, which people have then been told. */
  send: (command: AdminCommand, failed: string) => Promise<AdminReply | null>;
  openStream: (id: string) => Promise<void>;
  openLink: (url: string) => Promise<void>;
  /** How many are under way. */
  busy: number;
};

export function useCommands(backend: Backend): Commands {
  const [busy, setBusy] = useState(0);
  const guarded = async <T>(act: () => Promise<T>, failed: string): Promise<T | null> => {
    setBusy((n) => n + 1);
    try {
      return await act();
    } catch (error) {
      notifications.show({ color: 'red', title: failed, message: inWords(error), autoClose: 12_000 });
      return null;
    } finally {
      setBusy((n) => n - 1);
    }
  };
  return {
    send: (command, failed) => guarded(() => backend.command(command), failed),
    openStream: async (id) => {
      await guarded(() => backend.openStream(id), 'The stream was not opened');
    },
    openLink: async (url) => {
      await guarded(() => backend.openLink(url), 'The page was not opened');
    },
    busy,
  };
}
