// A scene's time, rate and place as people say them, and what stands between a viewer and the scene. Pure.

import type { SceneNode } from '@shared/protocol';

import { inControl, mayTake, phaseOf, type State } from './machine';
import { atLeast } from './roles';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The mean of the Gregorian calendar. */
const YEAR = 365.2425 * DAY;

/** The largest first. A month comes in with its 30 to 31 days. */
const units: [number, string][] = [
  [YEAR, 'year'],
  [YEAR / 12, 'month'],
  [DAY, 'day'],
  [HOUR, 'hour'],
  [MINUTE, 'minute'],
  [1, 'second'],
];

/** How near a rate must be to a round number of a unit to be said in it. */
const NEARLY = 0.015;

const figures = new Intl.NumberFormat('en-GB', { maximumSignificantDigits: 3 });

/** "real time", "1 day per second", "30 minutes per second, backwards" */
export function rateWords(secondsPerSecond: number): string {
  if (!Number.isFinite(secondsPerSecond)) return 'at an unknown rate';
  if (secondsPerSecond === 0) return 'standing still';
  const rate = Math.abs(secondsPerSecond);
  const words = Math.abs(rate - 1) < 1e-6 ? 'real time' : `${amount(rate)} per second`;
  return secondsPerSecond < 0 ? `${words}, backwards` : words;
}

function amount(seconds: number): string {
  const [size, name] = unitOf(seconds);
  const rounded = Math.round(seconds / size);
  const near = rounded > 0 && Math.abs(seconds / size - rounded) / rounded < NEARLY;
  const figure = near ? rounded : seconds / size;
  const words = figures.format(figure);
  return `${words} ${name}${words === '1' ? '' : 's'}`;
}

function unitOf(seconds: number): [number, string] {
  return units.find(([size]) => seconds / size >= 1 - NEARLY) ?? [1, 'second'];
}

/** The moment of an ISO 8601 time in UTC; `null` where the calendar of browsers ends or it is none. */
export function momentOf(time: string): Date | null {
  const date = new Date(/[zZ]$/.test(time) ? time : `${time}Z`);
  return Number.isNaN(date.getTime()) ? null : date;
}

const dayFormat = { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' } as const;
const days = new Intl.DateTimeFormat('en-GB', dayFormat);
const daysBC = new Intl.DateTimeFormat('en-GB', { ...dayFormat, era: 'short' });

/** `{ day: "20 Jul 1969", clock: "20:17:40" }` */
export function clockWords(time: string): { day: string; clock: string } {
  const moment = momentOf(time);
  if (!moment) return { day: time, clock: '' };
  const format = moment.getUTCFullYear() < 1 ? daysBC : days;
  return { day: format.format(moment), clock: moment.toISOString().slice(-13, -5) };
}

/** What the two fields of a jump begin with. */
export function fieldsOf(time: string): { day: string; clock: string } {
  const moment = momentOf(time);
  if (!moment || moment.getUTCFullYear() < 1 || moment.getUTCFullYear() > 9_999)
    return { day: '', clock: '' };
  const iso = moment.toISOString();
  return { day: iso.slice(0, 10), clock: iso.slice(11, 16) };
}

/** A day and a clock (UTC) as the wire's time, or what is wrong with them. An empty clock is the day's beginning. */
export function readDate(day: string, clock: string): { time: string } | { problem: string } {
  const date = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day.trim());
  if (!date) return { problem: 'Give a day, such as 1969-07-20.' };
  const hours = /^(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(clock.trim() || '00:00');
  if (!hours) return { problem: 'Give the time as hours and minutes, such as 20:17.' };
  const iso = `${date[0]}T${hours[1]}:${hours[2]}:${hours[3] ?? '00'}.000Z`;
  const moment = momentOf(iso);
  // Browsers take the 30th of February for the 1st or 2nd of March, or for nothing.
  if (moment?.toISOString() !== iso)
    return { problem: `There is no ${day.trim()} ${clock.trim()}.`.replace(' .', '.') };
  return { time: iso };
}

export type Span = 'day' | 'month' | 'year';

/** That much earlier or later, by the calendar: a month after the 31st is the next month's last day. */
export function shifted(time: string, span: Span, by: 1 | -1): string | null {
  const moment = momentOf(time);
  if (!moment) return null;
  if (span === 'day') moment.setUTCDate(moment.getUTCDate() + by);
  else {
    const day = moment.getUTCDate();
    moment.setUTCDate(1);
    moment.setUTCMonth(moment.getUTCMonth() + (span === 'year' ? 12 * by : by));
    const last = new Date(moment);
    last.setUTCMonth(last.getUTCMonth() + 1, 0);
    moment.setUTCDate(Math.min(day, last.getUTCDate()));
  }
  return Number.isNaN(moment.getTime()) ? null : moment.toISOString();
}

/** Those that a search means come first: by name, by its beginning, recommended ones, then the rest as they came. */
export function ranked(nodes: SceneNode[], search: string): SceneNode[] {
  const wanted = search.trim().toLowerCase();
  const rank = ({ id, name, interesting }: SceneNode): number => {
    const words = [name.toLowerCase(), id.toLowerCase()];
    if (words.includes(wanted)) return 0;
    if (wanted !== '' && words.some((word) => word.startsWith(wanted))) return interesting ? 1 : 2;
    return interesting ? 3 : 4;
  };
  const fits = ({ id, name }: SceneNode) =>
    name.toLowerCase().includes(wanted) || id.toLowerCase().includes(wanted);
  return nodes.filter(fits).sort((a, b) => rank(a) - rank(b));
}

/** Why this viewer may not change time and place now; `null` when nothing speaks against it. */
export function steeringObstacle(state: State): string | null {
  if (phaseOf(state) !== 'live') return 'The picture is not there yet.';
  // A wish takes a free wheel as a press on the picture does.
  if (inControl(state) || mayTake(state)) return null;
  const who = state.holder === null ? 'You are watching.' : 'Another viewer steers.';
  return `${who} Ask for control to change time and place.`;
}

/** Why this viewer may not change what the scene shows; that takes no wheel, but a role. */
export function changingObstacle(state: State): string | null {
  return atLeast(state.role, 'presenter') ? null : 'To do these takes the role of presenter.';
}

/** The same, where it is seen what is so all the same. */
export function showingObstacle(state: State): string | null {
  if (atLeast(state.role, 'presenter')) return null;
  return 'You see what is shown. Switching it takes the role of presenter.';
}
