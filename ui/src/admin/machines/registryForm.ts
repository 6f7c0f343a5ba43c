// What an administrator fills in to say where the registry is. Pure.

import type { RegistryAddress, RegistryTables, RegistryTls } from '@shared/protocol';

export type Fields = {
  host: string;
  port: string;
  database: string;
  user: string;
  /** Empty: the one that the node keeps, where it keeps one. */
  password: string;
  tls: RegistryTls;
  authorities: string;
};

export const TLS_CHOICES: { value: RegistryTls; label: string }[] = [
  { value: 'verify_full', label: 'Always, and the certificate is checked' },
  { value: 'require', label: 'Always, whoever answers' },
  { value: 'prefer', label: 'Where the database can' },
  { value: 'disable', label: 'Never' },
];

const EMPTY: Fields = {
  host: '',
  port: '5432',
  database: 'openspace',
  user: '',
  password: '',
  tls: 'prefer',
  authorities: '',
};

export function fieldsOf(address: RegistryAddress | null): Fields {
  if (address === null) return EMPTY;
  const { host, port, database, user, tls, authorities } = address;
  return { host, port: String(port), database, user, password: '', tls, authorities: authorities ?? '' };
}

export type Told = { address: RegistryAddress; password?: string };

/** What the node is told, or a sentence that says what is missing. `kept`: where it has a password for already. */
export function told(fields: Fields, kept: RegistryAddress | null): Told | string {
  const host = fields.host.trim();
  const user = fields.user.trim();
  const database = fields.database.trim();
  const port = Number(fields.port);
  if (host === '') return 'On which machine is the database? Give its name or address.';
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return 'A port is a number from 1 to 65535.';
  if (database === '') return 'Which database? Give its name.';
  if (user === '') return 'As which user? Give the name.';
  const authorities = fields.authorities.trim();
  const address = {
    host,
    port,
    database,
    user,
    tls: fields.tls,
    ...(fields.tls === 'verify_full' && authorities !== '' && { authorities }),
  };
  if (fields.password !== '') return { address, password: fields.password };
  return hasPassword(fields, kept) ? { address } : 'Enter the password of that user.';
}

/** The node gives a password that it keeps to no other place than the one it was told for. */
export function hasPassword(fields: Fields, kept: RegistryAddress | null): boolean {
  return (
    kept !== null &&
    kept.host === fields.host.trim() &&
    String(kept.port) === fields.port.trim() &&
    kept.user === fields.user.trim()
  );
}

const MODES: Record<string, RegistryTls> = {
  disable: 'disable',
  prefer: 'prefer',
  require: 'require',
  'verify-full': 'verify_full',
};

/** The parts of a whole `postgres://` address that was pasted; `null` of anything else. */
export function pasted(text: string): Partial<Fields> | null {
  if (!/^postgres(ql)?:\/\//i.test(text.trim())) return null;
  let url: URL;
  try {
    // Browsers take a URL of this scheme apart in different ways, one of `http` all alike.
    url = new URL(text.trim().replace(/^\w+:/, 'http:'));
    const part = (value: string) => decodeURIComponent(value);
    const tls = MODES[url.searchParams.get('sslmode') ?? ''];
    const authorities = url.searchParams.get('sslrootcert');
    return {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? '5432' : url.port,
      ...(url.pathname.length > 1 && { database: part(url.pathname.slice(1)) }),
      ...(url.username !== '' && { user: part(url.username) }),
      ...(url.password !== '' && { password: part(url.password) }),
      ...(tls && { tls }),
      ...(authorities !== null && { authorities }),
    };
  } catch {
    return null;
  }
}

export const JOIN_WORDS: Record<RegistryTables, string> = {
  none: 'Set up and join',
  ours: 'Join',
  older: 'Update and join',
  old: 'Adopt and join',
  newer: 'Join',
  foreign: 'Join',
};
