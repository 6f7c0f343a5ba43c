/** What fingers and gamepads do: fly the camera, or be a mouse in a program that cannot be flown. */
export function flightHelp(flies: boolean): [string, string][] {
  if (!flies) {
    return [
      ['One finger', 'drags with the left button'],
      ['Two fingers', 'pinch to turn the wheel'],
    ];
  }
  return [
    ['One finger', 'turns around what you look at; the further you drag, the faster. A tap is a click'],
    ['Two fingers', 'pinch to go closer or back, twist to roll; two or three drag to look around'],
    ['Gamepad', window.isSecureContext ? PAD : 'works once this page is opened over https'],
  ];
}

const PAD = 'left stick turns, right stick looks around, triggers go closer and back, shoulder buttons roll';
