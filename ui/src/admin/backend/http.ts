import { ask, askJson, inWords, Refused } from '@shared/http';
import type { AdminReply, AuditPage, InviteCreated, LogsOfInstance, NodeSnapshot } from '@shared/protocol';
import { follow } from '@shared/sse';

import type { AuditFilter, Backend, LogReader, Watcher } from './backend';

export type Connection = { baseUrl: string; token: string };
/** Called in the click itself, since browsers block windows that open later; what it answers leads the window on. */
export type OpenWindow = () => { goTo: (url: string) => void | Promise<void>; giveUp: () => void };

/** An invite that the panel makes for itself is used at once. */
const OWN_INVITE_TTL_S = 3_600;

export function httpBackend(
  kind: Backend['kind'],
  { baseUrl, token }: Connection,
  open: OpenWindow,
): Backend {
  const api = (path: string) => new URL(`/api/v1${path}`, baseUrl).href;
  return {
    kind,
    baseUrl,
    watch: (watcher) => watch(api, token, watcher),
    command: (command) =>
      askJson<AdminReply>(api('/admin/commands'), { method: 'POST', body: command, bearer: token }),
    audit: (filter, before) =>
      askJson<AuditPage>(api(`/admin/audit?${auditQuestion(filter, before)}`), { bearer: token }),
    auditLines: async (filter) => {
      const url = api(`/admin/audit.jsonl?${auditQuestion(filter)}`);
      return (await ask(url, { bearer: token, accept: 'application/jsonl' })).blob();
    },
    thumbnail: async (id) => {
      const answer = await ask(api(`/instances/${id}/thumbnail.jpg`), {
        bearer: token,
        accept: 'image/jpeg',
      });
      return answer.blob();
    },
    followLog: (id, reader) => followLog(api(`/admin/instances/${id}/log`), token, reader),
    logs: () => askJson<LogsOfInstance[]>(api('/admin/logs'), { bearer: token }),
    saveLog: async (id, name) => {
      const answer = await ask(api(`/admin/logs/${id}/${encodeURIComponent(name)}`), {
        bearer: token,
        accept: '*/*',
      });
      save(await answer.blob(), `${id.slice(0, 8)}-${name}`);
    },
    openLink: async (url) => open().goTo(url),
    openStream: async (id) => {
      const window = open();
      try {
        const invite = await askJson<InviteCreated>(api(`/instances/${id}/invites`), {
          method: 'POST',
          body: { role: 'owner', ttl_s: OWN_INVITE_TTL_S },
          bearer: token,
        });
        await window.goTo(new URL(invite.url, baseUrl).href);
      } catch (error) {
        window.giveUp();
        throw error;
      }
    },
  };
}

/** How many entries are read at a glance before one asks for more. */
const AUDIT_PAGE = 100;

function auditQuestion({ search, kind }: AuditFilter, before?: number): URLSearchParams {
  const asked = new URLSearchParams();
  if (search) asked.set('search', search);
  if (kind) asked.set('kind', kind);
  if (before !== undefined) {
    asked.set('before', String(before));
  }
  asked.set('limit', String(AUDIT_PAGE));
  return asked;
}

function watch(api: (path: string) => string, token: string, watcher: Watcher): () => void {
  const { stop, wake } = follow({
    url: api('/admin/events'),
    bearer: () => Promise.resolve(token),
    onUp: watcher.onUp,
    onEvent: ({ data }) => {
      const snapshot = parseSnapshot(data);
      if (snapshot) watcher.onSnapshot(snapshot);
    },
    onDown: (error) => {
      if (error instanceof Refused && (error.status === 401 || error.status === 403)) {
        watcher.onDenied(inWords(error));
        return 'stop';
      }
      watcher.onDown();
      return 'retry';
    },
  });
  window.addEventListener('online', wake);
  return () => {
    window.removeEventListener('online', wake);
    stop();
  };
}

function followLog(url: string, token: string, reader: LogReader): () => void {
  const { stop } = follow({
    url,
    bearer: () => Promise.resolve(token),
    onUp: reader.onUp,
    onEvent: ({ data }) => reader.onLines(parseLines(data)),
    onDown: (error) => {
      reader.onDown();
      // The instance is gone, or the token: the panel's own stream says which.
      return error instanceof Refused ? 'stop' : 'retry';
    },
  });
  return stop;
}

function parseLines(data: string): string[] {
  try {
    const value: unknown = JSON.parse(data);
    return Array.isArray(value) ? value.filter((line): line is string => typeof line === 'string') : [];
  } catch {
    return [];
  }
}

function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function parseSnapshot(data: string): NodeSnapshot | null {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null && 'node' in value ? (value as NodeSnapshot) : null;
  } catch {
    return null;
  }
}
