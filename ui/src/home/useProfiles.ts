import type { ProfileView } from '@shared/protocol';
import { useEffect, useState } from 'react';

import type { Live } from './live';

type Known = { build: string; profiles: ProfileView[] };

/** The profiles of a build; none while they are asked for, and for programs that have none. */
export function useProfiles(live: Live, build: string | null): ProfileView[] {
  const [known, setKnown] = useState<Known | null>(null);
  useEffect(() => {
    if (build === null) return undefined;
    let over = false;
    live.profiles(build).then(
      (profiles) => !over && setKnown({ build, profiles }),
      // Without profiles the program starts with its own; a real trouble shows itself at the launch.
      () => undefined,
    );
    return () => {
      over = true;
    };
  }, [live, build]);
  return known !== null && known.build === build ? known.profiles : [];
}
