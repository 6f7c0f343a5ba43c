import { Gauge } from '@shared/components/Gauge';
import { Note } from '@shared/components/Note';
import { Panel } from '@shared/components/Panel';
import { Sparkline } from '@shared/components/Sparkline';
import { bytes, figure, percent, UNKNOWN } from '@shared/format';
import type { Gpu, HealthPoint } from '@shared/protocol';

import classes from './Gpus.module.css';

type GpuPanelProps = { gpu: Gpu; driver: string | null; history: HealthPoint[] };

export function GpuPanel({ gpu, driver, history }: GpuPanelProps) {
  const memory = share(gpu.memory_used_bytes, gpu.memory_total_bytes);
  const known = history.some((point) => point.gpu_percent !== null);
  return (
    <Panel className={classes.gpu} aria-label={`GPU ${gpu.index}`}>
      <div className={classes.head}>
        <h2 className={classes.title}>{gpu.name ?? `GPU ${gpu.index}`}</h2>
        {driver !== null && <span className={classes.driver}>Driver {driver}</span>}
      </div>
      <div className={classes.meters}>
        <Meter
          label="Graphics"
          value={percent(gpu.utilization_percent)}
          share={gpu.utilization_percent}
          scarceAt={101}
        />
        <Meter
          label="Encoder"
          value={percent(gpu.encoder_percent)}
          share={gpu.encoder_percent}
          scarceAt={95}
        />
        <Meter
          label="Memory"
          value={`${bytes(gpu.memory_used_bytes)} of ${bytes(gpu.memory_total_bytes)}`}
          share={memory}
          scarceAt={90}
        />
      </div>
      <dl className={classes.facts}>
        {factsOf(gpu).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {gpu.throttle_reasons.length > 0 && (
        <Note tone="warn">It runs slower than it could: {gpu.throttle_reasons.join(', ')}.</Note>
      )}
      {known && (
        <div className={classes.chart}>
          <Sparkline values={history.map((point) => point.gpu_percent)} max={100} />
        </div>
      )}
    </Panel>
  );
}

type MeterProps = { label: string; value: string; share: number | null; scarceAt: number };

function Meter({ label, value, share, scarceAt }: MeterProps) {
  return (
    <div>
      <div className={classes.meterHead}>
        <span>{label}</span>
        <span>{value}</span>
      </div>
      <Gauge percent={share} label={label} scarceAt={scarceAt} />
    </div>
  );
}

/** Only what this card tells. */
function factsOf(gpu: Gpu): [string, string][] {
  const power =
    gpu.power_limit_watts === null
      ? figure(gpu.power_watts, 'W')
      : `${figure(gpu.power_watts, 'W')} of ${figure(gpu.power_limit_watts, 'W')}`;
  const facts: [string, string, unknown][] = [
    ['Temperature', figure(gpu.temperature_celsius, '°C'), gpu.temperature_celsius],
    ['Power', power, gpu.power_watts],
    ['Graphics clock', figure(gpu.graphics_clock_mhz, 'MHz'), gpu.graphics_clock_mhz],
    ['Video clock', figure(gpu.video_clock_mhz, 'MHz'), gpu.video_clock_mhz],
    ['Encoder sessions', gpu.encoder_sessions?.toString() ?? UNKNOWN, gpu.encoder_sessions],
    ['Encoder', figure(gpu.encoder_fps, 'fps'), gpu.encoder_fps],
  ];
  return facts.filter(([, , raw]) => raw !== null).map(([name, value]) => [name, value]);
}

function share(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole === 0 ? null : (100 * part) / whole;
}
