// What shall be done once in a scene when its stream is there: handed from the page that launches to the stream page, within one tab.

import { ofThisTab, type Memory } from './storage';

export type Arrival = {
  /** A node to fly to. */
  focus: string | null;
  /** UTC, without a zone: `2031-05-17T20:30:00`. */
  time: string | null;
};

const keyOf = (instance: string) => `arrival ${instance}`;

export function keepArrival(instance: string, arrival: Arrival, tab: Memory = ofThisTab): void {
  if (arrival.focus !== null || arrival.time !== null) tab.set(keyOf(instance), JSON.stringify(arrival));
}

/** It is told once: a reload later must not throw the viewer back. */
export function takeArrival(instance: string, tab: Memory = ofThisTab): Arrival | null {
  const text = tab.get(keyOf(instance));
  tab.remove(keyOf(instance));
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return isArrival(value) ? value : null;
  } catch {
    return null;
  }
}

function isArrival(value: unknown): value is Arrival {
  if (typeof value !== 'object' || value === null) return false;
  const { focus, time } = value as Partial<Record<keyof Arrival, unknown>>;
  return (focus === null || typeof focus === 'string') && (time === null || typeof time === 'string');
}
