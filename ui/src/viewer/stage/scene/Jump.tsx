import { Button, TextInput } from '@mantine/core';
import type { SceneState } from '@shared/protocol';
import { useState, type SubmitEvent } from 'react';

import { fieldsOf, readDate, shifted, type Span } from '../../session/sceneWords';
import classes from './Jump.module.css';

/** What the planets' ephemeris covers; the scene itself refuses the rest with a sentence. */
const EARLIEST = '1550-01-01';
const LATEST = '2649-12-31';

const spans: Span[] = ['day', 'month', 'year'];

type JumpProps = {
  scene: SceneState;
  onJump: (time: string) => void;
  onDone: () => void;
};

/** A day and a time to go to, or a step by the calendar. */
export function Jump({ scene, onJump, onDone }: JumpProps) {
  const [fields, setFields] = useState(() => fieldsOf(scene.time));
  const [problem, setProblem] = useState<string | null>(null);

  const jump = (event: SubmitEvent) => {
    event.preventDefault();
    const read = readDate(fields.day, fields.clock);
    if ('problem' in read) {
      setProblem(read.problem);
      return;
    }
    onJump(read.time);
    onDone();
  };

  const step = (span: Span, by: 1 | -1) => {
    const time = shifted(scene.time, span, by);
    if (time !== null) onJump(time);
  };

  return (
    <form className={classes.jump} onSubmit={jump} noValidate>
      <div className={classes.fields}>
        <TextInput
          type="date"
          label="Date"
          value={fields.day}
          min={EARLIEST}
          max={LATEST}
          data-autofocus
          onChange={({ currentTarget }) => setFields({ ...fields, day: currentTarget.value })}
        />
        <TextInput
          type="time"
          label="Time (UTC)"
          value={fields.clock}
          onChange={({ currentTarget }) => setFields({ ...fields, clock: currentTarget.value })}
        />
      </div>
      {problem !== null && (
        <p className={classes.problem} role="alert">
          {problem}
        </p>
      )}
      <Button type="submit" radius="xl" color="lamp.4" autoContrast fullWidth>
        Jump
      </Button>
      <div className={classes.steps}>
        {spans.map((span) => (
          <Button.Group key={span}>
            <Step label={`One ${span} earlier`} text="−" onClick={() => step(span, -1)} />
            <Button.GroupSection variant="default" size="xs" className={classes.span}>
              {span}
            </Button.GroupSection>
            <Step label={`One ${span} later`} text="+" onClick={() => step(span, 1)} />
          </Button.Group>
        ))}
      </div>
    </form>
  );
}

function Step({ label, text, onClick }: { label: string; text: string; onClick: () => void }) {
  return (
    <Button variant="default" size="xs" px={10} aria-label={label} title={label} onClick={onClick}>
      {text}
    </Button>
  );
}
