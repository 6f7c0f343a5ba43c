// The scene of the mock server: a clock, a focus, and what one may wish of them.

const NODES = [
  ['Earth', 'Earth', true],
  ['Moon', 'Moon', true],
  ['Mars', 'Mars', true],
  ['Phobos', 'Phobos', false],
  ['Deimos', 'Deimos', false],
  ['Jupiter', 'Jupiter', true],
  ['Saturn', 'Saturn', true],
  ['ISS', 'International Space Station', true],
  ['JWSTModel', 'James Webb Space Telescope', true],
  ['MarsTrail', 'Mars Trail', false],
  ['SolarSystemBarycenter', 'Solar System Barycenter', false],
].map(([id, name, interesting]) => ({ id, name, interesting }));

const ACTIONS = [
  ['os.toggle_trails', 'Toggle planet trails', 'Shows or hides the trails of the planets.', ['H']],
  ['os.fade_to_black', 'Fade to black', 'Fades the rendering to black.', ['B', 'Shift+B']],
  ['os.earth.day', 'Daylight on Earth', '', []],
  ['os.toggle_sun', 'Toggle Sun', 'Turns the glare of the Sun on or off.', ['S']],
  ['os.reset_camera', 'Reset camera', 'Back to where the profile begins.', ['Ctrl+R']],
  ['os.labels', 'Toggle labels', 'Names of planets and moons.', ['L']],
  ['os.grid', 'Toggle ecliptic grid', '', ['G']],
  ['os.screenshot', 'Take screenshot', 'Saves the picture in the folder of screenshots.', ['F12']],
  ['os.constellations', 'Toggle constellations', 'Lines and names of the constellations.', ['C']],
].map(([id, name, description, keys]) => ({ id, name, description, keys }));

const STEPS = [1, 5, 30, 60, 300, 1_800, 3_600, 10_800, 43_200, 86_400, 432_000, 2_629_746, 31_556_952];
const FLIGHT_MS = 3_000;

export class Sky {
  constructor() {
    Object.assign(this, {
      at: Date.now(),
      read: Date.now(),
      rate: 1,
      paused: false,
      focus: 'Earth',
      landsAt: 0,
    });
  }

  state() {
    const now = Date.now();
    if (!this.paused) this.at += (now - this.read) * this.rate;
    this.read = now;
    return {
      time: new Date(this.at).toISOString(),
      rate_seconds_per_second: this.rate,
      paused: this.paused,
      focus: this.focus,
      camera: { latitude: 40.76, longitude: -111.89, altitude_m: 12_742_000 },
      mode: now < this.landsAt ? 'camera_path' : 'user_control',
    };
  }

  answer({ name, args }) {
    this.state();
    const wish = this[`on_${name}`];
    if (!wish) return { error: `The wish “${name}” is not understood. Reload the page.` };
    const error = wish.call(this, args);
    return typeof error === 'string' ? { error } : { ok: error ?? null };
  }

  on_set_time({ time }) {
    const at = Date.parse(time);
    if (Number.isNaN(at)) return `“${time}” is no time. Give it as 1969-07-20T20:17:00Z.`;
    this.at = at;
  }
  on_pause({ paused }) {
    this.paused = paused;
  }
  on_set_rate({ seconds_per_second }) {
    this.rate = seconds_per_second;
  }
  on_step_rate({ forward }) {
    const steps = [...STEPS.map((step) => -step).reverse(), ...STEPS];
    const next = forward
      ? steps.find((step) => step > this.rate)
      : steps.findLast((step) => step < this.rate);
    this.rate = next ?? this.rate;
  }
  on_now() {
    Object.assign(this, { at: Date.now(), rate: 1 });
  }
  on_focus({ node }) {
    if (!NODES.some(({ id }) => id === node))
      return `The scene has no “${node}”. Search for it by another name.`;
    this.focus = node;
  }
  on_fly_to({ node }) {
    this.landsAt = Date.now() + FLIGHT_MS;
    return this.on_focus({ node });
  }
  on_trigger_action({ action }) {
    return ACTIONS.some(({ id }) => id === action) ? null : `The scene has no action “${action}”.`;
  }
  on_list_nodes({ search = '' }) {
    const wanted = search.toLowerCase();
    return NODES.filter(({ id, name }) => `${id} ${name}`.toLowerCase().includes(wanted));
  }
  on_list_actions() {
    return ACTIONS;
  }
}
