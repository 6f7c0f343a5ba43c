// The profiles that this browser likes best, build by build. They are kept in the browser, like the session that owns its
// instances: the server has nobody else to show them to.

import type { ProfileView } from '@shared/protocol';
import { searchFor } from '@shared/search';
import { lasting, type Memory } from '@shared/storage';
import { Store } from '@shared/store';

const KEY = 'favourite_profiles';
/** Far more than anybody finds again. */
const FAVOURITES_MAX = 200;

const nameOf = (build: string, profile: string) => `${build} ${profile}`;

export class Favourites {
  private readonly memory: Memory;
  private readonly store: Store<ReadonlySet<string>>;
  readonly state: () => ReadonlySet<string>;
  readonly subscribe: (listener: () => void) => () => void;

  constructor(memory: Memory = lasting) {
    this.memory = memory;
    this.store = new Store<ReadonlySet<string>>(new Set(read(memory.get(KEY))));
    this.state = this.store.get;
    this.subscribe = this.store.subscribe;
  }

  has(build: string, profile: string): boolean {
    return this.state().has(nameOf(build, profile));
  }

  toggle(build: string, profile: string): void {
    const name = nameOf(build, profile);
    const kept = [...this.state()].filter((one) => one !== name);
    const next = this.has(build, profile) ? kept : [...kept, name].slice(-FAVOURITES_MAX);
    this.memory.set(KEY, JSON.stringify(next));
    this.store.set(new Set(next));
  }
}

/** Favourites first, each part in the order in which the server told them. */
export function byFavour(
  profiles: ProfileView[],
  likes: (id: string) => boolean,
): [ProfileView[], ProfileView[]] {
  return [profiles.filter((one) => likes(one.id)), profiles.filter((one) => !likes(one.id))];
}

/** Each word must stand somewhere in what a profile says of itself. */
export function matches(profile: ProfileView, search: string): boolean {
  return searchFor(search)([profile.id, profile.name, profile.description, profile.author].join(' '));
}

function read(text: string | null): string[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
  } catch {
    return [];
  }
}
