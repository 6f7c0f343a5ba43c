import type { Mission } from '@shared/protocol';
import { useEffect, useState } from 'react';

import { readList } from '../../../session/lists';
import { isMission } from '../../../session/missions';
import type { Session } from '../../../session/session';

/** The missions that the scene tells of; they stay the same while it runs. */
export function useMissions(session: Session, off: boolean): Mission[] {
  const [missions, setMissions] = useState<Mission[]>([]);
  useEffect(() => {
    if (off) return undefined;
    let wanted = true;
    session.wish({ name: 'list_missions', args: {} }).then(
      (answer) => wanted && setMissions(readList(answer, isMission)),
      () => {
        // Then there is nothing to show, which is what most scenes have.
      },
    );
    return () => {
      wanted = false;
    };
  }, [session, off]);
  return missions;
}
