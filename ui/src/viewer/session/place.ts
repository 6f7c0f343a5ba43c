// Where the camera is, as people say it. Pure.

import type { CameraPlace, SceneState } from '@shared/protocol';

const KM_M = 1_000;
const AU_M = 149_597_870_700;
const LIGHT_YEAR_M = 9.4607304725808e15;

/** Past this a longitude means nothing: the globe is a dot. */
const GLOBE_SEEN_M = 0.1 * AU_M;

const figures = new Intl.NumberFormat('en-GB', { maximumSignificantDigits: 3 });
const degrees = new Intl.NumberFormat('en-GB', { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** "350 m", "12,400 km", "1.52 AU", "4.24 light years"; nothing for what is no length. */
export function distanceWords(metres: number): string {
  if (!Number.isFinite(metres)) return '';
  const far = Math.abs(metres);
  if (far >= 0.1 * LIGHT_YEAR_M) return counted(metres / LIGHT_YEAR_M, 'light years', 'light year');
  if (far >= GLOBE_SEEN_M) return counted(metres / AU_M, 'AU', 'AU');
  if (far >= KM_M) return counted(metres / KM_M, 'km', 'km');
  return counted(metres, 'm', 'm');
}

/** "2.54 million light years" */
function counted(value: number, many: string, one: string): string {
  const [scaled, scale] =
    Math.abs(value) >= 1e9
      ? [value / 1e9, ' billion']
      : Math.abs(value) >= 1e6
        ? [value / 1e6, ' million']
        : [value, ''];
  const words = figures.format(scaled);
  return `${words}${scale} ${words === '1' && scale === '' ? one : many}`;
}

/** "48.2° N 16.4° E" */
export function geoWords({ latitude, longitude }: CameraPlace): string {
  if (!Number.isFinite(latitude) || !Number.isFinite(longitude)) return '';
  // 181° east is 179° west.
  const east = ((((longitude + 180) % 360) + 360) % 360) - 180;
  return `${sided(latitude, 'N', 'S')} ${sided(east, 'E', 'W')}`;
}

function sided(value: number, positive: string, negative: string): string {
  const words = degrees.format(Math.abs(value));
  // Neither side at the equator.
  return `${words}°${words === '0.0' ? '' : ` ${value < 0 ? negative : positive}`}`;
}

/** "48.2° N 16.4° E · 12,400 km"; nothing while it is not known. */
export function placeWords(camera: CameraPlace | undefined): string {
  if (!camera) return '';
  const near = Math.abs(camera.altitude_m) < GLOBE_SEEN_M;
  return [near ? geoWords(camera) : '', distanceWords(camera.altitude_m)]
    .filter((words) => words !== '')
    .join(' · ');
}

/** What the camera does with the node that it is about: "Above", "Flying to". */
export function doingWords(scene: SceneState): string {
  if (scene.mode === 'camera_path') return 'Flying to';
  if (scene.mode === 'playback') return 'A recording shows';
  return scene.camera && Math.abs(scene.camera.altitude_m) < GLOBE_SEEN_M ? 'Above' : 'Looking at';
}
