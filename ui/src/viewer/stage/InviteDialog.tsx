import { Button, Group, Modal, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { CopyButton } from '@shared/components/CopyButton';
import { inWords } from '@shared/http';
import type { Role } from '@shared/protocol';
import { useState } from 'react';

import { atLeast, roleWords } from '../session/roles';
import type { Session } from '../session/session';

type InviteDialogProps = { session: Session; role: Role | null; opened: boolean; onClose: () => void };

const lifetimes = [
  { label: 'An hour', value: '3600' },
  { label: 'A day', value: '86400' },
  { label: 'A week', value: '604800' },
];

const invitable: Role[] = ['watcher', 'pilot', 'presenter'];

export function InviteDialog({ session, role, opened, onClose }: InviteDialogProps) {
  const [guest, setGuest] = useState<Role>('watcher');
  const [lifetime, setLifetime] = useState('86400');
  const [link, setLink] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  const change = (set: () => void) => {
    set();
    setLink(null);
    setProblem(null);
  };
  const make = async () => {
    try {
      setLink(await session.invite(guest, Number(lifetime)));
      setProblem(null);
    } catch (error) {
      setProblem(inWords(error));
    }
  };

  return (
    <Modal opened={opened} onClose={onClose} title="Invite others" centered radius="lg">
      <Stack gap="md">
        <Choice
          label={`A ${roleWords[guest].name.toLowerCase()} ${roleWords[guest].may}.`}
          value={guest}
          onChange={(value) => change(() => setGuest(value as Role))}
          data={invitable
            .filter((one) => atLeast(role, one))
            .map((one) => ({ value: one, label: roleWords[one].name }))}
        />
        <Choice
          label="How long the link lets people in."
          value={lifetime}
          onChange={(value) => change(() => setLifetime(value))}
          data={lifetimes}
        />
        {link === null ? (
          <Group justify="flex-end">
            <Button color="lamp.4" onClick={() => void make()}>
              Make a link
            </Button>
          </Group>
        ) : (
          <TextInput
            readOnly
            value={link}
            aria-label="Link"
            onFocus={(event) => event.currentTarget.select()}
            rightSection={<CopyButton text={link} label="Copy the link" />}
            description="Whoever has this link gets in. It is not shown again."
          />
        )}
        {problem !== null && (
          <Text size="sm" c="var(--bad-text)" role="alert">
            {problem}
          </Text>
        )}
      </Stack>
    </Modal>
  );
}

type ChoiceProps = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  data: { value: string; label: string }[];
};

function Choice({ label, ...props }: ChoiceProps) {
  return (
    <div>
      <SegmentedControl fullWidth aria-label={label} {...props} />
      <Text size="sm" c="dimmed" mt={6}>
        {label}
      </Text>
    </div>
  );
}
