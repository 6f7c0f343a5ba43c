import { age } from '../format';
import { useNow } from '../hooks/useNow';

/** "12 min ago", kept true. */
export function Age({ since }: { since: number }) {
  const now = useNow();
  return <time dateTime={new Date(since).toISOString()}>{age(since, now)}</time>;
}
