import { Kbd, Modal, Text } from '@mantine/core';
import { Fragment, Suspense } from 'react';

import type { Session } from '../session/session';
import { flightHelp } from './flight/help';
import classes from './HelpDialog.module.css';
import { LazyActions } from './scene/lazy';
import { useHasScene } from './useScene';

const mouse: [string, string][] = [['Drag, wheel, right and middle button', 'go to the program as they are']];

type HelpDialogProps = { session: Session; opened: boolean; onClose: () => void };

export function HelpDialog({ session, opened, onClose }: HelpDialogProps) {
  const hasScene = useHasScene(session);
  return (
    <Modal opened={opened} onClose={onClose} title="Help" size="lg" centered radius="lg">
      <Text size="sm" mb="md">
        While you steer, the picture takes every key, by its place on the keyboard. What is held is let go
        when you leave the page.
      </Text>
      <dl className={classes.list}>
        <dt>
          <Kbd>Ctrl</Kbd> + <Kbd>Alt</Kbd> + <Kbd>H</Kbd>
        </dt>
        <dd>leaves the picture for the bar, and leads back</dd>
        {[...mouse, ...flightHelp(hasScene)].map(([what, does]) => (
          <Fragment key={what}>
            <dt>{what}</dt>
            <dd>{does}</dd>
          </Fragment>
        ))}
      </dl>
      <Text size="sm" c="dimmed" mt="md">
        Close the tab whenever you like: the program runs on, and the home page leads back to it.
      </Text>
      {hasScene && (
        <Suspense fallback={null}>
          <LazyActions session={session} />
        </Suspense>
      )}
    </Modal>
  );
}
