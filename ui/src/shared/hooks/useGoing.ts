import { useState } from 'react';

/** An act that takes a while, and whether it is under way. */
export function useGoing(act: () => Promise<void>): { going: boolean; go: () => void } {
  const [going, setGoing] = useState(false);
  const go = async () => {
    setGoing(true);
    await act();
    setGoing(false);
  };
  return { going, go: () => void go() };
}
