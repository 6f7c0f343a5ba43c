import { Button, TextInput } from '@mantine/core';
import { CopyButton } from '@shared/components/CopyButton';
import { useState } from 'react';

import cards from '../cards.module.css';
import { usePanel } from '../context';
import classes from './Joining.module.css';

/** A code for one other machine. It is shown until the page is left. */
export function JoinCode() {
  const { commands } = usePanel();
  const [code, setCode] = useState<string | null>(null);
  const make = async () => {
    const reply = await commands.send({ command: 'create_join_code' }, 'There is no code');
    if (reply?.result === 'join_code') setCode(reply.code);
  };
  return (
    <>
      {code !== null && (
        <>
          <p className={cards.words}>
            For one machine, within 15 minutes: enter it in that machine&rsquo;s panel, or run{' '}
            <code>openspace-webrtc-node fleet join</code> there with it.
          </p>
          <div className={classes.code}>
            <code>{code}</code>
            <CopyButton text={code} label="Copy the join code" />
          </div>
        </>
      )}
      <Button variant="light" size="sm" mb="sm" loading={commands.busy > 0} onClick={() => void make()}>
        {code === null ? 'Make a join code' : 'Make another code'}
      </Button>
    </>
  );
}

export function JoinForm() {
  const { commands } = usePanel();
  const [code, setCode] = useState('');
  const join = async () => {
    const reply = await commands.send({ command: 'join_fleet', code }, 'This machine has not joined');
    if (reply !== null) setCode('');
  };
  return (
    <form
      className={classes.join}
      onSubmit={(event) => {
        event.preventDefault();
        void join();
      }}
    >
      <TextInput
        aria-label="Join code of the other machine"
        placeholder="Code of another machine"
        autoComplete="off"
        spellCheck={false}
        value={code}
        onChange={(event) => setCode(event.currentTarget.value)}
      />
      <Button type="submit" variant="default" disabled={code.trim() === ''} loading={commands.busy > 0}>
        Join
      </Button>
    </form>
  );
}
