import { Kbd, Modal, Text } from '@mantine/core';
import { Fragment } from 'react';

import classes from './HelpDialog.module.css';

const pointer: [string, string][] = [
  ['Drag, wheel, right and middle button', 'go to the program as they are'],
  ['One finger', 'drags with the left button'],
  ['Two fingers', 'pinch to turn the wheel'],
];

export function HelpDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Help" centered radius="lg">
      <Text size="sm" mb="md">
        While you steer, the picture takes every key, by its place on the keyboard. What is held is let go
        when you leave the page.
      </Text>
      <dl className={classes.list}>
        <dt>
          <Kbd>Ctrl</Kbd> + <Kbd>Alt</Kbd> + <Kbd>H</Kbd>
        </dt>
        <dd>leaves the picture for the bar, and leads back</dd>
        {pointer.map(([what, does]) => (
          <Fragment key={what}>
            <dt>{what}</dt>
            <dd>{does}</dd>
          </Fragment>
        ))}
      </dl>
      <Text size="sm" c="dimmed" mt="md">
        Close the tab whenever you like: the program runs on, and the home page leads back to it.
      </Text>
    </Modal>
  );
}
