// The list of my instances, from the server's events. Pure.

import { isLive } from '@shared/instanceWords';
import type { Event, InstanceView } from '@shared/protocol';

export function applyEvent(list: InstanceView[] | null, event: Event): InstanceView[] {
  switch (event.type) {
    case 'instances':
      return sorted(event.list);
    case 'instance': {
      const others = (list ?? []).filter((one) => one.instance_id !== event.instance.instance_id);
      return sorted([...others, event.instance]);
    }
    case 'removed':
      return (list ?? []).filter((one) => one.instance_id !== event.instance_id);
    default:
      // A later server may say more than this page knows.
      return list ?? [];
  }
}

/** What runs comes first, the newest before the older. */
function sorted(list: InstanceView[]): InstanceView[] {
  return [...list].sort((a, b) => Number(isLive(b.state)) - Number(isLive(a.state)) || b.created - a.created);
}

/** The event of a line of the stream; its tag is in the data, or else it is the event's name. */
export function parseEvent(name: string, data: string): Event | null {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value !== 'object' || value === null) return null;
    return ('type' in value ? value : { type: name, ...value }) as Event;
  } catch {
    return null;
  }
}
