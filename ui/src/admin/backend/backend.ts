// The panel's only door to the world: in the desktop window and in a remote browser the same.

import type {
  AdminCommand,
  AdminReply,
  AuditKind,
  AuditPage,
  InstanceId,
  LogsOfInstance,
  NodeSnapshot,
} from '@shared/protocol';

export type Watcher = {
  onSnapshot: (snapshot: NodeSnapshot) => void;
  /** `up` again after each loss. */
  onUp: () => void;
  onDown: () => void;
  /** The token does not open this panel (any more). */
  onDenied: (sentence: string) => void;
};

export type LogReader = {
  /** It begins again with the last lines that are kept. */
  onUp: () => void;
  onLines: (lines: string[]) => void;
  onDown: () => void;
};

/** What of the audit log is wanted; what is left out matches all. */
export type AuditFilter = { search?: string; kind?: AuditKind };

export type Backend = {
  kind: 'desktop' | 'browser';
  /** Addresses of the node are relative to this. */
  baseUrl: string;
  /** The answer ends it. */
  watch: (watcher: Watcher) => () => void;
  command: (command: AdminCommand) => Promise<AdminReply>;
  /** Newest first; only what is older than the entry `before`. */
  audit: (filter: AuditFilter, before?: number) => Promise<AuditPage>;
  /** All of it, a line of JSON each. */
  auditLines: (filter: AuditFilter) => Promise<Blob>;
  thumbnail: (id: InstanceId) => Promise<Blob>;
  /** What an instance prints, as it comes. The answer ends it. */
  followLog: (id: InstanceId, reader: LogReader) => () => void;
  /** The files that instances left. */
  logs: () => Promise<LogsOfInstance[]>;
  /** Hands one of them to the person, as a download. */
  saveLog: (id: InstanceId, name: string) => Promise<void>;
  /** Shows an instance's stream in the person's own browser. */
  openStream: (id: InstanceId) => Promise<void>;
  /** Shows a page in the person's own browser. */
  openLink: (url: string) => Promise<void>;
  /** Forgets the token; absent where there is nothing to forget. */
  signOut?: () => void;
};
