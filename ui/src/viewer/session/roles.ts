import type { Role } from '@shared/protocol';

/** Each may what the one before it may. */
const order: Role[] = ['watcher', 'pilot', 'presenter', 'owner', 'admin'];

export function atLeast(role: Role | null, needed: Role): boolean {
  return role !== null && order.indexOf(role) >= order.indexOf(needed);
}

export const roleWords = {
  watcher: { name: 'Watcher', may: 'sees the picture and may ask for control' },
  pilot: { name: 'Pilot', may: 'may also steer' },
  presenter: { name: 'Presenter', may: 'may also hand control over and invite others' },
  owner: { name: 'Owner', may: 'may also stop it' },
  admin: { name: 'Administrator', may: 'may do everything on this machine' },
} satisfies Record<Role, { name: string; may: string }>;
