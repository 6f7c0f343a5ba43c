import { Confirm } from '@shared/components/Confirm';
import { inWords } from '@shared/http';

import type { State } from '../session/machine';
import type { Session } from '../session/session';
import { HelpDialog } from './HelpDialog';
import { InviteDialog } from './InviteDialog';

export type DialogName = 'invite' | 'help' | 'stop';

type DialogsProps = {
  session: Session;
  state: State;
  open: DialogName | null;
  onClose: () => void;
  onProblem: (sentence: string) => void;
};

export function Dialogs({ session, state, open, onClose, onProblem }: DialogsProps) {
  const stop = () => {
    onClose();
    session.stop().catch((error: unknown) => onProblem(inWords(error)));
  };
  return (
    <>
      <InviteDialog session={session} role={state.role} opened={open === 'invite'} onClose={onClose} />
      <HelpDialog session={session} opened={open === 'help'} onClose={onClose} />
      <Confirm
        question={
          open === 'stop'
            ? {
                title: `Stop ${state.instance?.build_name ?? 'the program'}?`,
                detail: 'It ends for everybody who watches it, and what is not saved in it is lost.',
                yes: 'Stop it',
              }
            : null
        }
        onYes={stop}
        onNo={onClose}
      />
    </>
  );
}
