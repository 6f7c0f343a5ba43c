import { Gauge } from '@shared/components/Gauge';
import { Sparkline } from '@shared/components/Sparkline';
import { bytes, bytesPerSecond, count, percent } from '@shared/format';
import type { HealthPoint, Host } from '@shared/protocol';

import type { NetworkPoint } from '../panelState';
import { Tile } from './Tile';

type HostTilesProps = { host: Host; history: HealthPoint[]; network: NetworkPoint[] };

export function HostTiles({ host, history, network }: HostTilesProps) {
  const diskUsed = host.disk_total_bytes - host.disk_free_bytes;
  const diskPercent = host.disk_total_bytes > 0 ? (100 * diskUsed) / host.disk_total_bytes : null;
  return (
    <>
      <Tile
        label="CPU"
        value={percent(host.cpu_percent)}
        detail={`${count(host.cpu_cores, 'core')} · ${host.cpu_model}`}
      >
        <Sparkline values={history.map((point) => point.cpu_percent)} max={100} />
      </Tile>
      <Tile
        label="Memory"
        value={bytes(host.memory_used_bytes)}
        detail={`of ${bytes(host.memory_total_bytes)}`}
      >
        <Sparkline values={history.map((point) => point.memory_percent)} max={100} />
      </Tile>
      <Tile
        label="Network"
        value={bytesPerSecond(host.network_sent_bytes_per_s)}
        detail={`sent · ${bytesPerSecond(host.network_received_bytes_per_s)} received`}
      >
        <Sparkline values={network.map((point) => point.sent)} />
      </Tile>
      <Tile
        label="Disk"
        value={`${bytes(host.disk_free_bytes)} free`}
        detail={`of ${bytes(host.disk_total_bytes)}, where the data folder is`}
      >
        <Gauge percent={diskPercent} label="Disk in use" />
      </Tile>
    </>
  );
}
