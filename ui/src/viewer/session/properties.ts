// The settings of a scene: grouped by what they belong to, and colours as people pick them. Pure.

import type { SceneProperty } from '@shared/protocol';

import { ELSEWHERE, groupsOf } from './groups';

export type PropertyGroup = { name: string; properties: SceneProperty[] };

const SEPARATOR = ' › ';

/** By the outermost of what they belong to, in the order of the list. */
export function byOwner(properties: SceneProperty[]): PropertyGroup[] {
  const outermost = ({ owner }: SceneProperty) => {
    const [first = ''] = owner.split(SEPARATOR);
    return first === '' ? ELSEWHERE : first;
  };
  return groupsOf(properties, outermost).map(({ name, members }) => ({ name, properties: members }));
}

/** Nearly everything that is drawn has its settings in there, so it tells nobody anything. */
const UNSAID = 'Renderable';

/** What of the owner its group does not say: "Layers › Color". */
export function innerOwner(property: SceneProperty): string {
  const inner = property.owner.split(SEPARATOR).slice(1);
  return inner.filter((name) => name !== UNSAID).join(SEPARATOR);
}

/** How fine a slider is; whole numbers where there are no others. */
export function stepOf(kind: { min: number; max: number; step?: number; whole: boolean }): number {
  if (kind.whole) return Math.max(1, Math.round(kind.step ?? 1));
  const step = kind.step ?? 0;
  return step > 0 && step < kind.max - kind.min ? step : (kind.max - kind.min) / 100;
}

/** A slider over more than this lands nowhere in particular: numbers are typed then. */
const SLIDER_STEPS_MAX = 2_000;

export function slides(kind: { min: number; max: number; step?: number; whole: boolean }): boolean {
  return (kind.max - kind.min) / stepOf(kind) <= SLIDER_STEPS_MAX;
}

const figures = new Intl.NumberFormat('en-GB', { maximumSignificantDigits: 4 });

export function valueWords(value: number): string {
  return Number.isFinite(value) ? figures.format(value) : '';
}

/** `#ff8000`, with opacity `#ff800080`. */
export function toHex(colour: number[]): string {
  const two = (part: number) => {
    const byte = Math.round(Math.min(1, Math.max(0, part)) * 255);
    return byte.toString(16).padStart(2, '0');
  };
  return `#${colour.map(two).join('')}`;
}

/** The parts from 0 to 1; `null` for what is no colour of so many parts. */
export function fromHex(text: string, alpha: boolean): number[] | null {
  const hex = /^#([0-9a-f]{6})([0-9a-f]{2})?$/i.exec(text.trim());
  if (!hex) return null;
  const digits = `${hex[1]}${alpha ? (hex[2] ?? 'ff') : ''}`;
  return [...digits.matchAll(/../g)].map(([byte]) => Number.parseInt(byte, 16) / 255);
}

const kinds = ['switch', 'number', 'choice', 'vector', 'colour'];

/** Of a kind that this page can show, with a value that fits it. */
export function isProperty(value: unknown): value is SceneProperty {
  const property = value as Partial<SceneProperty> | null;
  if (typeof property !== 'object' || property === null) return false;
  const texts = [property.uri, property.name, property.owner, property.description];
  const type = property.kind?.type;
  if (!texts.every((text) => typeof text === 'string') || type === undefined || !kinds.includes(type))
    return false;
  if (type === 'switch') return typeof property.value === 'boolean';
  if (type === 'number' || type === 'choice') return typeof property.value === 'number';
  return Array.isArray(property.value) && property.value.every((part) => typeof part === 'number');
}
