import { useSyncExternalStore } from 'react';

export const sections = ['overview', 'instances', 'builds', 'audit'] as const;
export type Section = (typeof sections)[number];

/** The section is in the address, so that a reload and the back button keep their place. */
export function useSection(): Section {
  const hash = useSyncExternalStore(
    (changed) => {
      window.addEventListener('hashchange', changed);
      return () => window.removeEventListener('hashchange', changed);
    },
    () => window.location.hash,
  );
  return sections.find((section) => hash === `#${section}`) ?? 'overview';
}
