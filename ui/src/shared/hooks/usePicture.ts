import { useIntersection } from '@mantine/hooks';
import { useEffect, useEffectEvent, useState } from 'react';

/** The server renews a thumbnail each five seconds. */
const EVERY_MS = 5_000;

/** A picture that renews itself while it can be seen. */
export function usePicture(fetchPicture: () => Promise<Blob>, active: boolean) {
  const { ref, entry } = useIntersection<HTMLDivElement>();
  const [url, setUrl] = useState<string | null>(null);
  const wanted = active && (entry?.isIntersecting ?? false);
  const fetchNow = useEffectEvent(fetchPicture);

  useEffect(() => {
    if (!wanted) return undefined;
    let over = false;
    const renew = async () => {
      if (document.hidden) return;
      try {
        const blob = await fetchNow();
        if (!over) setUrl(URL.createObjectURL(blob));
      } catch {
        // The old picture stays: the card itself says how the instance is.
      }
    };
    void renew();
    const timer = setInterval(() => void renew(), EVERY_MS);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, [wanted]);

  useEffect(() => (url === null ? undefined : () => URL.revokeObjectURL(url)), [url]);
  return { ref, url };
}
