import { Button, Group, Modal, Stack, Textarea } from '@mantine/core';
import { Note } from '@shared/components/Note';
import { inWords } from '@shared/http';
import type { AdminCommand } from '@shared/protocol';
import { useState, type ReactNode } from 'react';

import { usePanel } from '../context';
import { parseEnv } from './words';

type AddDialogProps = {
  title: string;
  /** What the button says. */
  verb?: string;
  /** The command with this environment, or a sentence that says what is missing. */
  command: (env: Record<string, string>) => AdminCommand | string;
  onClose: () => void;
  children: ReactNode;
};

/** A form that ends with the environment, and stays open, with the reason, until the node has taken what it says. */
export function AddDialog({ title, verb = 'Add', command, onClose, children }: AddDialogProps) {
  const { backend } = usePanel();
  const [env, setEnv] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [sending, setSending] = useState(false);

  const submit = async () => {
    const parsed = parseEnv(env);
    const wish = parsed.ok ? command(parsed.env) : parsed.problem;
    if (typeof wish === 'string') {
      setProblem(wish);
      return;
    }
    setSending(true);
    try {
      await backend.command(wish);
      onClose();
    } catch (error) {
      setProblem(inWords(error));
      setSending(false);
    }
  };

  return (
    <Modal opened onClose={onClose} title={title} centered radius="lg" size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Stack>
          {children}
          <Textarea
            label="Environment"
            description="One NAME=value a line."
            autosize
            minRows={2}
            spellCheck={false}
            value={env}
            onChange={(event) => setEnv(event.currentTarget.value)}
          />
          {problem !== null && <Note tone="bad">{problem}</Note>}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" color="lamp.4" loading={sending}>
              {verb}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
