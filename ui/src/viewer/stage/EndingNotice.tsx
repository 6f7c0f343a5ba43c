import { Button } from '@mantine/core';
import { endingWords } from '@shared/endingWords';
import { useNow } from '@shared/hooks/useNow';
import type { EndingNews } from '@shared/protocol';
import { IconClockExclamation } from '@tabler/icons-react';
import { useState } from 'react';

import classes from './EndingNotice.module.css';

type EndingNoticeProps = { ending: EndingNews; maySteer: boolean; onStay: () => void };

/** Says that the stream ends soon, counts down, and offers to stay where that is possible. A new one for each message. */
export function EndingNotice({ ending, maySteer, onStay }: EndingNoticeProps) {
  const now = useNow();
  const [endsAt] = useState(() => (ending.left_s === null ? null : Date.now() + ending.left_s * 1_000));
  const leftS = endsAt === null ? null : Math.round((endsAt - now) / 1_000);
  const words = endingWords(ending, leftS, maySteer);
  return (
    <div className={classes.notice} data-ending={ending.why}>
      <IconClockExclamation size={24} stroke={1.6} className={classes.icon} aria-hidden="true" />
      {/* The seconds are not read out: what happens is. */}
      <p className={classes.words}>
        <strong role="alert">{words.title}</strong> <span role="timer">{words.detail}</span>
      </p>
      {words.stay !== null && (
        <Button size="sm" radius="xl" color="lamp.4" autoContrast onClick={onStay}>
          {words.stay}
        </Button>
      )}
    </div>
  );
}
