import type { RegistryView } from '@shared/protocol';

const WORDS: Record<RegistryView['state'], string> = {
  off: 'This machine stands alone',
  connecting: 'Connecting',
  not_set_up: 'Not set up yet',
  up: 'Connected',
  unreachable: 'Unreachable',
  refused: 'Refused',
};

/** "Unreachable since 14:03", so that a person knows how long the others have not been heard. */
export function registryWords({ state, since }: RegistryView, locale?: string): string {
  if (since === null || state === 'not_set_up') return WORDS[state];
  const moment = new Date(since);
  const today = moment.toDateString() === new Date().toDateString();
  const shown = today
    ? moment.toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit' })
    : moment.toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' });
  return `${WORDS[state]} since ${shown}`;
}

/** Setting up is offered where it can help; a registry that is up needs none. */
export function canBeSetUp({ state }: RegistryView): boolean {
  return state === 'not_set_up' || state === 'refused';
}
