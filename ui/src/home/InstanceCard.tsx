import { Button } from '@mantine/core';
import { Age } from '@shared/components/Age';
import { DemoTag } from '@shared/components/DemoTag';
import { StateBadge } from '@shared/components/StateBadge';
import { Thumbnail } from '@shared/components/Thumbnail';
import { endsIn } from '@shared/endingWords';
import { count } from '@shared/format';
import { useGoing } from '@shared/hooks/useGoing';
import { useNow } from '@shared/hooks/useNow';
import { isLive, phaseSentence } from '@shared/instanceWords';
import type { EndingView, InstanceView, Rescue } from '@shared/protocol';

import classes from './InstanceCard.module.css';

type InstanceCardProps = {
  instance: InstanceView;
  /** The machine that it runs on, where there are several. */
  where: string | null;
  compact: boolean;
  fetchPicture: () => Promise<Blob>;
  /** The server does not answer: what is shown may be old. */
  stale: boolean;
  onStop: () => void;
  onRemove: () => void;
  /** Goes on elsewhere with what is lost with its machine. */
  onRescue: () => Promise<void>;
};

export function InstanceCard(props: InstanceCardProps) {
  const { instance, where, compact, fetchPicture, stale, onStop, onRemove, onRescue } = props;
  const { state, build_name, url } = instance;
  const running = state === 'ready';
  const live = isLive(state);
  return (
    <article
      className={classes.card}
      data-instance={instance.instance_id}
      data-state={state}
      data-compact={compact}
      aria-label={build_name}
    >
      <a href={url} className={classes.picture} tabIndex={-1} aria-hidden="true">
        <Thumbnail
          fetchPicture={fetchPicture}
          active={running && !stale}
          faded={!running || stale}
          label={`The picture of ${build_name}`}
        />
        {instance.progress !== null && live && !running && (
          <span className={classes.progress} style={{ width: `${Math.round(instance.progress * 100)}%` }} />
        )}
      </a>
      <div className={classes.body}>
        <div className={classes.head}>
          <h3 className={classes.name}>{build_name}</h3>
          {instance.demo && <DemoTag />}
        </div>
        <div className={classes.line}>
          <StateBadge state={state} />
          <span className={classes.figures}>
            {running && (
              <>{instance.viewers === 0 ? 'nobody watches' : count(instance.viewers, 'viewer')} · </>
            )}
            <Age since={instance.created} />
            {where !== null && <> · {where}</>}
          </span>
        </div>
        <p className={classes.detail}>{detailOf(instance)}</p>
        {live && instance.ending !== null && <Ending ending={instance.ending} />}
        <div className={classes.actions}>
          {instance.rescue !== null ? (
            <RescueButton compact={compact} stale={stale} rescue={instance.rescue} onRescue={onRescue} />
          ) : (
            <Button
              component="a"
              href={url}
              flex={1}
              radius="xl"
              size={compact ? 'compact-md' : 'sm'}
              color="lamp.4"
              disabled={!live || state === 'stopping'}
            >
              {running ? 'Rejoin' : 'Open'}
            </Button>
          )}
          <Button
            variant="default"
            radius="xl"
            size={compact ? 'compact-md' : 'sm'}
            disabled={state === 'stopping' || state === 'lost' || stale}
            title={state === 'lost' ? 'Its machine does not answer: it cannot be told.' : undefined}
            onClick={live ? onStop : onRemove}
            aria-label={`${live ? 'Stop' : 'Remove'} ${build_name}`}
          >
            {live ? 'Stop' : 'Remove'}
          </Button>
        </div>
      </div>
    </article>
  );
}

type RescueButtonProps = { compact: boolean; stale: boolean; rescue: Rescue; onRescue: () => Promise<void> };

function RescueButton({ compact, stale, rescue, onRescue }: RescueButtonProps) {
  const { going, go } = useGoing(onRescue);
  return (
    <Button
      flex={1}
      radius="xl"
      size={compact ? 'compact-md' : 'sm'}
      color="lamp.4"
      loading={going}
      disabled={stale}
      title="On another machine"
      onClick={go}
    >
      {rescue === 'resume' ? 'Continue elsewhere' : 'Start anew elsewhere'}
    </Button>
  );
}

/** Whoever opens it puts that off, where nobody watches. */
function Ending({ ending }: { ending: EndingView }) {
  const now = useNow();
  const more = ending.why === 'unwatched' ? ' Open it to keep it.' : '';
  return (
    <p className={classes.ending} role="status">
      {endsIn(ending, now)}
      {more}
    </p>
  );
}

function detailOf(instance: InstanceView): string | null {
  const profile = instance.profile === null ? null : `Profile ${instance.profile}`;
  return instance.message ?? phaseSentence(instance) ?? profile;
}
