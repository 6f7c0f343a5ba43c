import { MantineProvider } from '@mantine/core';
import { StrictMode, type ReactNode } from 'react';

import './base';

import { cssVariables, theme } from './theme';

/** What every page stands on: the theme, and the scheme of the system until somebody chooses another. */
export function Page({ scheme, children }: { scheme?: 'dark'; children: ReactNode }) {
  return (
    <StrictMode>
      <MantineProvider
        theme={theme}
        cssVariablesResolver={cssVariables}
        defaultColorScheme="auto"
        {...(scheme ? { forceColorScheme: scheme } : {})}
      >
        {children}
      </MantineProvider>
    </StrictMode>
  );
}
