import { Button, Group, Modal, Stack } from '@mantine/core';
import { Note } from '@shared/components/Note';
import { inWords } from '@shared/http';
import type { AdminCommand } from '@shared/protocol';
import { useState, type ReactNode } from 'react';

import { usePanel } from '../context';

type AddDialogProps = {
  title: string;
  /** The command, or a sentence that says what is missing. */
  command: () => AdminCommand | string;
  onClose: () => void;
  children: ReactNode;
};

/** A form that stays open, with the reason, until the node has taken what it says. */
export function AddDialog({ title, command, onClose, children }: AddDialogProps) {
  const { backend } = usePanel();
  const [problem, setProblem] = useState<string | null>(null);
  const [sending, setSending] = useState(false);

  const submit = async () => {
    const wish = command();
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
          {problem !== null && <Note tone="bad">{problem}</Note>}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" color="lamp.4" loading={sending}>
              Add
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
