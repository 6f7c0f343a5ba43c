import type { ProfileView } from '@shared/protocol';
import { useEffect, useState } from 'react';

import type { Live } from './live';

type Known = { build: string; profiles: ProfileView[] };

/** The profiles of a build; `null` while they are asked for, none for programs that have none. */
export function useProfiles(live: Live, build: string | null): ProfileView[] | null {
  const [known, setKnown] = useState<Known | null>(null);
  useEffect(() => {
    if (build === null) return undefined;
    let over = false;
    live.profiles(build).then(
      (profiles) => !over && setKnown({ build, profiles }),
      // Without profiles the program starts with its own; a real trouble shows itself at the launch.
      () => !over && setKnown({ build, profiles: [] }),
    );
    return () => {
      over = true;
    };
  }, [live, build]);
  if (build === null) return [];
  return known?.build === build ? known.profiles : null;
}
