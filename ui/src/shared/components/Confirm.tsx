import { Button, Group, Modal, Text } from '@mantine/core';

type ConfirmProps = {
  /** The question; nothing is asked while it is null. */
  question: { title: string; detail: string; yes: string } | null;
  onYes: () => void;
  onNo: () => void;
};

/** Asks before something is lost. */
export function Confirm({ question, onYes, onNo }: ConfirmProps) {
  return (
    <Modal opened={question !== null} onClose={onNo} title={question?.title} centered radius="lg">
      <Text size="sm" c="dimmed" mb="lg">
        {question?.detail}
      </Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={onNo} data-autofocus>
          Keep it
        </Button>
        <Button color="red.7" onClick={onYes}>
          {question?.yes}
        </Button>
      </Group>
    </Modal>
  );
}
