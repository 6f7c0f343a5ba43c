import { useEffect, useState } from 'react';

import type { Backend } from './backend/backend';
import { browserBackend, keptToken } from './backend/browser';
import { desktopBackend, inDesktopWindow } from './backend/desktop';
import { ControlPanel } from './ControlPanel';
import { TokenForm } from './TokenForm';
import { Waiting } from './Waiting';

/** Finds the way to the node: handed over in the desktop window, by a token in a browser. */
export function Entrance() {
  return inDesktopWindow() ? <DesktopEntrance /> : <BrowserEntrance />;
}

function DesktopEntrance() {
  const [backend, setBackend] = useState<Backend | null>(null);
  const [waiting, setWaiting] = useState<string | null>(null);
  useEffect(() => {
    void desktopBackend(setWaiting).then(setBackend);
  }, []);
  return backend ? <ControlPanel backend={backend} /> : <Waiting sentence={waiting} />;
}

function BrowserEntrance() {
  const [token, setToken] = useState(() => keptToken.get());
  const [denied, setDenied] = useState<string | null>(null);
  const [backend, setBackend] = useState<Backend | null>(() => (token === null ? null : make(token)));

  function make(given: string): Backend {
    return browserBackend(given, () => enter(null, null));
  }
  function enter(given: string | null, why: string | null) {
    setToken(given);
    setDenied(why);
    setBackend(given === null ? null : make(given));
  }

  if (token === null || backend === null) {
    return (
      <TokenForm
        denied={denied}
        onToken={(given) => {
          keptToken.set(given);
          enter(given, null);
        }}
      />
    );
  }
  return (
    <ControlPanel
      key={token}
      backend={backend}
      onDenied={(why) => {
        keptToken.forget();
        enter(null, why);
      }}
    />
  );
}
