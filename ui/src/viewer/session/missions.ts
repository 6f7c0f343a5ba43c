// A mission on its time line: which phase the present time is in, and where. Pure.

import type { Milestone, Mission, MissionPhase } from '@shared/protocol';

import { momentOf } from './sceneWords';

/** The scene's clock runs in Unix milliseconds here; what is no time is nowhere. */
export function msOf(time: string): number {
  return momentOf(time)?.getTime() ?? Number.NaN;
}

export function contains(phase: MissionPhase, time: string): boolean {
  const now = msOf(time);
  return msOf(phase.start) <= now && now < msOf(phase.end);
}

/** The innermost phases that hold the time, outermost first; none outside of the mission. */
export function pathTo(phase: MissionPhase, time: string): MissionPhase[] {
  const part = phase.phases.find((one) => contains(one, time));
  return part ? [part, ...pathTo(part, time)] : [];
}

/** The mission that is on now, else the one that comes nearest. */
export function nearest(missions: Mission[], time: string): Mission | undefined {
  const now = msOf(time);
  const away = (mission: Mission) => Math.max(0, msOf(mission.start) - now, now - msOf(mission.end)) || 0;
  return [...missions].sort((a, b) => away(a) - away(b))[0];
}

/** From 0 at the beginning to 1 at the end; `null` outside. */
export function fraction(phase: MissionPhase, time: string): number | null {
  const [start, end, now] = [msOf(phase.start), msOf(phase.end), msOf(time)];
  const part = (now - start) / (end - start);
  return part >= 0 && part <= 1 ? part : null;
}

/** The narrowest that a short phase is drawn, as a part of the whole line: it must be seen, and hit by a finger. */
const NARROWEST = 0.06;

/** How wide each phase is drawn; together they are the whole line. */
export function widths(phases: MissionPhase[]): number[] {
  const lengths = phases.map((phase) => Math.max(0, msOf(phase.end) - msOf(phase.start)));
  const whole = lengths.reduce((sum, length) => sum + length, 0);
  if (whole <= 0) return phases.map(() => 1 / phases.length);
  const drawn = lengths.map((length) => Math.max(NARROWEST, length / whole));
  const all = drawn.reduce((sum, width) => sum + width, 0);
  return drawn.map((width) => width / all);
}

/** Where the present time is on a line that is drawn so; `null` where no phase holds it. */
export function drawnAt(phases: MissionPhase[], time: string): number | null {
  const drawn = widths(phases);
  const at = phases.findIndex((phase) => contains(phase, time));
  const phase = phases[at];
  if (!phase) return null;
  const before = drawn.slice(0, at).reduce((sum, width) => sum + width, 0);
  return before + (fraction(phase, time) ?? 0) * (drawn[at] ?? 0);
}

/** Those of the whole mission, of its phases too, in order. */
export function milestonesOf(phase: MissionPhase): Milestone[] {
  const all = [...phase.milestones, ...phase.phases.flatMap(milestonesOf)];
  const times = new Set<string>();
  return all
    .filter(({ name, time }) => !times.has(`${time} ${name}`) && times.add(`${time} ${name}`))
    .sort((a, b) => msOf(a.time) - msOf(b.time));
}

export type Outline = { phase: MissionPhase; milestones: Milestone[] }[];

/** The phases in order, each with the milestones that fall into it; what falls into none is with the nearest before. */
export function outline(mission: MissionPhase): Outline {
  const parts: Outline = (mission.phases.length > 0 ? mission.phases : [mission]).map((phase) => ({
    phase,
    milestones: [],
  }));
  for (const milestone of milestonesOf(mission)) {
    const inside = parts.find(({ phase }) => contains(phase, milestone.time));
    const before = parts.filter(({ phase }) => msOf(phase.start) <= msOf(milestone.time)).at(-1);
    (inside ?? before ?? parts[0])?.milestones.push(milestone);
  }
  return parts;
}

const days = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  timeZone: 'UTC',
});
const hours = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'UTC',
});

/** "16 – 24 Jul 1969" */
export function rangeWords(phase: MissionPhase): string {
  const [start, end] = [momentOf(phase.start), momentOf(phase.end)];
  return start && end ? days.formatRange(start, end) : '';
}

/** "20 Jul, 20:17" */
export function whenWords(time: string): string {
  const moment = momentOf(time);
  return moment ? hours.format(moment) : '';
}

export function isMission(value: unknown): value is Mission {
  const mission = value as Partial<Record<keyof Mission, unknown>> | null;
  return typeof mission === 'object' && typeof mission?.id === 'string' && isPhase(mission);
}

function isPhase(value: unknown): value is MissionPhase {
  const phase = value as Partial<Record<keyof MissionPhase, unknown>> | null;
  return (
    typeof phase === 'object' &&
    typeof phase?.name === 'string' &&
    typeof phase.start === 'string' &&
    typeof phase.end === 'string' &&
    Array.isArray(phase.milestones) &&
    Array.isArray(phase.phases) &&
    phase.phases.every(isPhase)
  );
}
