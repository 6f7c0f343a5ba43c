// What `/launch?build=&profile=&focus=&time=` asks for. Pure. A link comes from anybody: it is read strictly, shown, and nothing
// happens until a person has pressed the button.

import type { Arrival } from '@shared/arrival';
import type { BuildView, ProfileView } from '@shared/protocol';

export type DeepLink = { build: string | null; profile: string | null; arrival: Arrival; problems: string[] };

const BUILD = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const PROFILE = /^[\p{L}\p{N} ._+()/-]{1,255}$/u;
/** What OpenSpace allows as a node's identifier, with room for what people call it. */
const FOCUS = /^[\p{L}\p{N} ._-]{1,100}$/u;
const TIME = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?))?Z?$/;

export function readLink(query: string): DeepLink {
  const given = new URLSearchParams(query);
  const problems: string[] = [];
  const value = (name: string, pattern: RegExp, says: string): string | null => {
    const text = given.get(name)?.trim() ?? '';
    if (text === '') return null;
    if (pattern.test(text)) return text;
    problems.push(`The link's ${name} “${shortened(text)}” ${says}`);
    return null;
  };
  const build = value('build', BUILD, 'is not the name of a build: small letters, digits and . _ - only.');
  const profile = value('profile', PROFILE, 'is not the name of a profile.');
  const focus = value('focus', FOCUS, 'is not the name of anything in the sky.');
  const time = value('time', TIME, 'is not a time: write it as 2031-05-17 or 2031-05-17T20:30.');
  const moment = time === null ? null : momentOf(time);
  if (time !== null && moment === null) problems.push(`The link's time “${time}” is on no calendar.`);
  return { build, profile, arrival: { focus, time: moment }, problems };
}

/** The build that is meant, and what stands in the way of launching it. */
export function judge(
  link: DeepLink,
  builds: BuildView[],
  profiles: ProfileView[],
): { build: BuildView | null; profile: ProfileView | null; problems: string[] } {
  const build = builds.find((one) => (link.build === null ? one.default : one.id === link.build)) ?? null;
  const profile = profiles.find((one) => one.id === link.profile) ?? null;
  const problems = [...link.problems];
  if (build === null)
    problems.push(
      link.build === null
        ? 'Nothing can be launched here yet: an administrator has to add a build.'
        : `This machine has no build “${link.build}”. The link may be for another machine.`,
    );
  else if (link.profile !== null && build.kind !== 'openspace')
    problems.push(`${build.name} has no profiles, and the link asks for one.`);
  else if (link.profile !== null && profile === null)
    problems.push(`${build.name} has no profile “${link.profile}”.`);
  if (profile?.problem) problems.push(`The profile “${profile.name}” cannot be used. ${profile.problem}`);
  return { build, profile, problems };
}

function momentOf(text: string): string | null {
  const [, day = '', clock = '00:00'] = TIME.exec(text) ?? [];
  const moment = new Date(`${day}T${clock.length === 5 ? `${clock}:00` : clock}Z`);
  // A day that does not exist is moved to the next month by the browser.
  if (Number.isNaN(moment.getTime()) || !moment.toISOString().startsWith(day)) return null;
  return moment
    .toISOString()
    .replace(/\.000Z$/, '')
    .replace(/Z$/, '');
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
