import { Button, Group, Modal, Stack } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { Note } from '@shared/components/Note';
import { inWords } from '@shared/http';
import type { AdminCommand, AdminReply, RegistryAddress, RegistryFound } from '@shared/protocol';
import { useState } from 'react';

import { usePanel } from '../context';
import { FoundThere } from './FoundThere';
import { RegistryFields } from './RegistryFields';
import { fieldsOf, hasPassword, JOIN_WORDS, told, type Fields, type Told } from './registryForm';

type RegistryDialogProps = {
  /** Where the registry is now; its password stays with the node. */
  known: RegistryAddress | null;
  onClose: () => void;
};

/** Where the registry is: filled in, tried, and only then joined. */
export function RegistryDialog({ known, onClose }: RegistryDialogProps) {
  const { backend } = usePanel();
  const [fields, setFields] = useState(() => fieldsOf(known));
  const [found, setFound] = useState<RegistryFound | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [sending, setSending] = useState(false);

  // What was found is true of what was tried.
  const change = (change: Partial<Fields>) => {
    setFields((before) => ({ ...before, ...change }));
    setFound(null);
    setProblem(null);
  };
  const send = async (command: (to: Told) => AdminCommand, then: (reply: AdminReply) => void) => {
    const to = told(fields, known);
    setProblem(null);
    if (typeof to === 'string') {
      setProblem(to);
      return;
    }
    setSending(true);
    try {
      then(await backend.command(command(to)));
    } catch (error) {
      setProblem(inWords(error));
    } finally {
      setSending(false);
    }
  };
  const tryIt = () =>
    send(
      (to) => ({ command: 'try_registry', ...to }),
      (reply) => reply.result === 'registry_tried' && setFound(reply.found),
    );
  const join = () =>
    send(
      (to) => ({ command: 'join_registry', ...to }),
      (reply) => {
        if (reply.result === 'registry_set_up')
          notifications.show({ color: 'green', message: reply.message });
        onClose();
      },
    );

  const canJoin = found?.usable === true;
  return (
    <Modal opened onClose={onClose} title="Where the registry is" centered radius="lg" size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void (canJoin ? join() : tryIt());
        }}
      >
        <Stack>
          <RegistryFields
            fields={fields}
            hasPassword={hasPassword(fields, known)}
            onChange={(changed) => !sending && change(changed)}
          />
          {found !== null && <FoundThere found={found} user={fields.user.trim()} />}
          {problem !== null && <Note tone="bad">{problem}</Note>}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" color="lamp.4" loading={sending}>
              {canJoin ? JOIN_WORDS[found.tables] : 'Try it'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
