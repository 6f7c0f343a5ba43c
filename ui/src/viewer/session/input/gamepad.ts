// What a gamepad's sticks and triggers mean for the camera. Pure.
//
// The left stick goes around what is looked at, the right one looks around, the right trigger goes closer and the left one
// back, the shoulder buttons roll.

import type { Velocities } from '@shared/protocol';

import { REST } from './velocities';

/** What is read of the browser's `Gamepad`. */
export type Pad = {
  connected: boolean;
  mapping: string;
  axes: readonly number[];
  buttons: readonly { value: number }[];
};

/** Sticks that are let go of stand still somewhere in here. */
const STICK_STILL = 0.15;
const TRIGGER_STILL = 0.05;

/** As the W3C's standard gamepad numbers them. */
const SHOULDER = { left: 4, right: 5 };
const TRIGGER = { left: 6, right: 7 };

/** Of all that are connected: the first one that is held. A pad of an unknown kind may have its sticks anywhere. */
export function velocitiesOfPads(pads: readonly (Pad | null)[]): Velocities {
  const held = pads.filter((pad) => pad !== null && pad.connected && pad.mapping === 'standard').map(ofPad);
  return held.find((velocities) => velocities !== REST) ?? REST;
}

function ofPad(pad: Pad | null): Velocities {
  if (!pad) return REST;
  const pressed = (button: number) => finite(pad.buttons[button]?.value);
  const orbit = stick(pad.axes[0], pad.axes[1]);
  const pan = stick(pad.axes[2], pad.axes[3]);
  const zoom = trigger(pressed(TRIGGER.right)) - trigger(pressed(TRIGGER.left));
  const roll = trigger(pressed(SHOULDER.right)) - trigger(pressed(SHOULDER.left));
  const still = [...orbit, ...pan, zoom, roll].every((value) => value === 0);
  return still ? REST : { orbit, zoom, roll, pan };
}

/** A stick moves the camera; what is seen moves the other way. Squared, so that slow is easy to hold. */
function stick(x: number | undefined, y: number | undefined): [number, number] {
  const [right, down] = [finite(x), finite(y)];
  const far = Math.hypot(right, down);
  if (far <= STICK_STILL) return [0, 0];
  const fast = Math.min(1, (far - STICK_STILL) / (1 - STICK_STILL)) ** 2;
  return [(-right / far) * fast, (-down / far) * fast];
}

function trigger(value: number): number {
  return value <= TRIGGER_STILL ? 0 : Math.min(1, (value - TRIGGER_STILL) / (1 - TRIGGER_STILL)) ** 2;
}

function finite(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value) ? value : 0;
}
