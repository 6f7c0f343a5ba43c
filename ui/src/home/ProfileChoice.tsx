import { ActionIcon, Select } from '@mantine/core';
import type { ProfileView } from '@shared/protocol';
import { IconStar, IconStarFilled } from '@tabler/icons-react';
import { useMemo, useState, useSyncExternalStore } from 'react';

import { byFavour, Favourites, matches } from './favourites';
import classes from './ProfileChoice.module.css';

type ProfileChoiceProps = {
  build: string;
  profiles: ProfileView[];
  /** `null`: the one that the build comes with. */
  value: string | null;
  onChange: (id: string | null) => void;
};

/** The scenes of a build, this browser's favourites first; a broken one is shown with the reason and cannot be chosen. */
export function ProfileChoice({ build, profiles, value, onChange }: ProfileChoiceProps) {
  const [favourites] = useState(() => new Favourites());
  const liked = useSyncExternalStore(favourites.subscribe, favourites.state);
  const groups = useMemo(
    () => groupsOf(profiles, (id) => liked.has(`${build} ${id}`)),
    [profiles, liked, build],
  );
  const chosen = profiles.find((one) => one.id === value);
  const likes = chosen !== undefined && favourites.has(build, chosen.id);
  const byId = (id: string) => profiles.find((one) => one.id === id);
  return (
    <div>
      <div className={classes.row}>
        <Select
          label="Profile"
          className={classes.select}
          classNames={{ label: classes.label, option: classes.option }}
          placeholder="The one it comes with"
          clearable
          searchable
          nothingFoundMessage="No profile says that of itself."
          data={groups}
          value={value}
          onChange={onChange}
          maxDropdownHeight={360}
          filter={({ options, search }) =>
            options
              .map((group) =>
                'items' in group
                  ? {
                      ...group,
                      items: group.items.filter((item) => {
                        const profile = byId(item.value);
                        return profile !== undefined && matches(profile, search);
                      }),
                    }
                  : group,
              )
              .filter((group) => !('items' in group) || group.items.length > 0)
          }
          renderOption={({ option }) => (
            <Choice profile={byId(option.value)} liked={liked.has(`${build} ${option.value}`)} />
          )}
        />
        <ActionIcon
          variant="default"
          size={36}
          radius="md"
          disabled={chosen === undefined}
          aria-pressed={likes}
          aria-label={likes ? 'No favourite any more' : 'Keep as a favourite'}
          title={
            chosen === undefined
              ? 'Choose a profile to keep it as a favourite.'
              : 'Favourites come first in the list.'
          }
          onClick={() => chosen && favourites.toggle(build, chosen.id)}
        >
          {likes ? <IconStarFilled size={18} /> : <IconStar size={18} stroke={1.6} />}
        </ActionIcon>
      </div>
      {chosen && (chosen.description ?? chosen.author) !== null && (
        <p className={classes.about}>
          {chosen.description}{' '}
          {chosen.author !== null && <span className={classes.author}>By {chosen.author}.</span>}
        </p>
      )}
    </div>
  );
}

function Choice({ profile, liked }: { profile: ProfileView | undefined; liked: boolean }) {
  if (!profile) return null;
  const words = profile.problem ?? profile.description;
  return (
    <span className={classes.choice} data-broken={profile.problem !== null}>
      <span className={classes.name}>
        {profile.name}
        {liked && <IconStarFilled size={13} aria-label="Favourite" />}
      </span>
      {words !== null && <span className={classes.words}>{words}</span>}
    </span>
  );
}

function groupsOf(profiles: ProfileView[], likes: (id: string) => boolean) {
  const [first, rest] = byFavour(profiles, likes);
  const item = (one: ProfileView) => ({ value: one.id, label: one.name, disabled: one.problem !== null });
  const groups = [
    { group: 'Favourites', items: first.map(item) },
    { group: first.length > 0 ? 'All others' : 'All profiles', items: rest.map(item) },
  ];
  return groups.filter((group) => group.items.length > 0);
}
