import { useCallback, useEffect, useState } from 'react';

/** Long enough to read it, short enough not to stand in the picture. */
const SHOWN_MS = 3_500;

/** The bar goes away by itself unless something holds it. */
export function useBarShown(held: boolean): { shown: boolean; show: () => void } {
  const [wokenAt, setWokenAt] = useState(0);
  const [away, setAway] = useState(false);

  useEffect(() => {
    if (held) return undefined;
    const timer = setTimeout(() => setAway(true), SHOWN_MS);
    return () => {
      clearTimeout(timer);
      setAway(false);
    };
  }, [held, wokenAt]);

  const show = useCallback(() => setWokenAt(Date.now()), []);
  return { shown: held || !away, show };
}
