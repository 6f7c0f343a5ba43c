import { Button, TextInput } from '@mantine/core';
import { CopyButton } from '@shared/components/CopyButton';
import { Logo } from '@shared/components/Logo';
import { Note } from '@shared/components/Note';
import { Panel } from '@shared/components/Panel';
import { useState } from 'react';

import classes from './TokenForm.module.css';

/** As the node makes them: 43 characters. */
const TOKEN = /^[A-Za-z0-9_-]{43}$/;
const COMMAND = 'openspace-webrtc-node token create --role admin';

export function TokenForm({ denied, onToken }: { denied: string | null; onToken: (token: string) => void }) {
  const [text, setText] = useState('');
  const [touched, setTouched] = useState(false);
  const token = text.trim();
  const wellFormed = TOKEN.test(token);
  return (
    <main className={classes.page}>
      <Panel className={classes.panel}>
        <Logo size={52} />
        <h1 className={classes.title}>Control panel</h1>
        <p className={classes.lead}>
          This machine is looked after from its own window, or from here with an administrator&rsquo;s token.
          There is no default password: make a token on the machine itself,
        </p>
        <div className={classes.command}>
          <code>{COMMAND}</code>
          <CopyButton text={COMMAND} label="Copy the command" />
        </div>
        {denied !== null && <Note tone="bad">{denied}</Note>}
        <form
          className={classes.form}
          onSubmit={(event) => {
            event.preventDefault();
            setTouched(true);
            if (wellFormed) onToken(token);
          }}
        >
          <TextInput
            label="and enter it here"
            type="password"
            autoComplete="off"
            spellCheck={false}
            value={text}
            error={touched && !wellFormed ? 'A token has 43 letters, digits, - and _.' : null}
            onChange={(event) => setText(event.currentTarget.value)}
            autoFocus
          />
          <Button type="submit" color="lamp.4" radius="xl">
            Open the panel
          </Button>
        </form>
        <p className={classes.fine}>It is kept until this tab is closed.</p>
      </Panel>
    </main>
  );
}
