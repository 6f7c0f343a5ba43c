// Plausible machines for the mock server.

const NOW = Date.now();
const GB = 1e9;

const facts = { api: null, commit: null, confirmed: null, changed: null, last_failure: null };

const profiles = [
  {
    id: 'default',
    name: 'Default',
    description: 'The solar system and the Milky Way.',
    author: 'OpenSpace team',
    problem: null,
  },
  {
    id: 'mars',
    name: 'Mars',
    description: 'Mars with its high-resolution maps and the rovers.',
    author: 'OpenSpace team',
    problem: null,
  },
  { id: 'missions/apollo', name: 'Apollo', description: null, author: null, problem: null },
  {
    id: 'lecture-7',
    name: 'lecture-7',
    description: null,
    author: null,
    problem:
      'Its file is broken, so OpenSpace cannot start with it: EOF while parsing a value at line 3 column 12.',
  },
];

const builds = [
  {
    ...facts,
    api: 'new',
    commit: '8b2778bed1',
    confirmed: { version: '0.22.0', api: 'new', at: NOW - 3_600_000 },
    changed: NOW - 240_000,
    build: {
      id: 'openspace-0.22',
      name: 'OpenSpace 0.22.0',
      kind: 'openspace',
      version: '0.22.0',
      demo: false,
      default: true,
    },
    location: '/opt/openspace/OpenSpace-0.22.0',
    profiles,
    problems: [],
    notes: ['Mesa offers OpenGL 4.5: MESA_GL_VERSION_OVERRIDE=4.6 is set.'],
  },
  {
    ...facts,
    build: {
      id: 'stellarium',
      name: 'Stellarium',
      kind: 'program',
      version: null,
      demo: false,
      default: false,
    },
    location: '/usr/bin/stellarium --full-screen no',
    profiles: [],
    problems: [],
    notes: [],
  },
  {
    ...facts,
    build: { id: 'demo', name: 'Demo sky', kind: 'openspace', version: '0.22', demo: true, default: false },
    location: '/usr/lib/openspace-webrtc/demo',
    profiles: profiles.slice(0, 1),
    problems: [],
    notes: [],
  },
  {
    ...facts,
    build: {
      id: 'openspace-0.19',
      name: 'OpenSpace 0.19',
      kind: 'openspace',
      version: '0.19',
      demo: false,
      default: false,
    },
    location: '/srv/old/OpenSpace',
    profiles: [],
    last_failure:
      'OpenSpace 0.19 cannot be started: permission denied. Look into its log, then start it again.',
    problems: ['bin/OpenSpace is not executable: run chmod +x /srv/old/OpenSpace/bin/OpenSpace.'],
    notes: [],
  },
];

const x264 = {
  name: 'x264enc',
  codec: 'h264',
  hardware: false,
  reason: 'A session opened, and it is the quickest of the software encoders.',
  rejected: [
    { name: 'nvh264enc', why: 'there is no NVIDIA driver on this machine' },
    { name: 'vah264enc', why: 'no VA-API device: /dev/dri/renderD128 does not exist' },
  ],
};

const log = `[ 0.00] OpenSpace 0.22.0 (release)
[ 0.02] (I) OpenSpaceEngine  Configuration file: openspace.cfg
[ 0.31] (I) OpenGL           Mesa 22.3.6, llvmpipe (LLVM 15.0.6, 256 bits)
[ 1.94] (I) AssetLoader      Loading profile 'default'
[ 4.40] (W) SpiceManager     Kernel 'jup365.bsp' is not there yet, it is being fetched
[ 9.80] (I) SceneGraph       412 nodes initialized
[10.02] (I) OpenSpaceEngine  Startup finished`.split('\n');

function instance(id, state, build, more = {}, admin = {}) {
  const { build: view } = builds.find((one) => one.build.id === build);
  const running = state === 'ready';
  return {
    instance: {
      instance_id: id,
      state,
      phase: null,
      detail: null,
      standby: false,
      ending: null,
      progress: null,
      attempt: 1,
      message: null,
      build,
      build_name: view.name,
      demo: view.demo,
      profile: build.startsWith('openspace') ? 'default' : null,
      server_id: 'c0ffee00-0000-4000-8000-000000000001',
      url: `/stream/${id}`,
      viewers: running ? 2 : 0,
      created: NOW - 754_000,
      ...more,
    },
    ending: null,
    size: { width: 1280, height: 720 },
    display: ':104',
    pid: 41_873,
    cpu_percent: running ? 184 : 95,
    memory_bytes: 2.31 * GB,
    gpu_memory_bytes: null,
    encoder: running ? x264 : null,
    stream: running
      ? { fps: 29.9, bitrate_kbps: 5_840, target_kbps: 6_000, encode_ms: 4.3, dropped_frames: 12 }
      : null,
    viewers: running
      ? [
          {
            viewer_id: 'aa11bb22-0000-4000-8000-000000000001',
            role: 'owner',
            in_control: true,
            connected: true,
            rtt_ms: 1.2,
            rendition: { codec: 'h264', rung: 'source' },
            fraction_lost: 0,
            frames_skipped: 0,
            over_tcp: false,
          },
          {
            viewer_id: 'cc33dd44-0000-4000-8000-000000000002',
            role: 'watcher',
            in_control: false,
            connected: true,
            rtt_ms: 38.4,
            rendition: { codec: 'h264', rung: 'medium' },
            fraction_lost: 0,
            frames_skipped: 0,
            over_tcp: false,
          },
        ]
      : [],
    renditions: [],
    log_tail: log,
    ...admin,
  };
}

const ids = [1, 2, 3, 4].map((n) => `0a1b2c3d-1111-4222-8333-00000000000${n}`);

const busyInstances = () => [
  instance(ids[0], 'ready', 'openspace-0.22'),
  instance(
    ids[1],
    'starting',
    'demo',
    {
      phase: 'loading',
      detail: 'downloading its data: 12 of 40 files so far',
      progress: 0.42,
      created: NOW - 9_000,
    },
    { pid: 41_990, display: ':105' },
  ),
  instance(ids[2], 'restarting', 'stellarium', {
    attempt: 2,
    message: 'Stellarium ended by signal 11 and is started again in 4 s.',
    created: NOW - 5_400_000,
  }),
  instance(
    ids[3],
    'failed',
    'openspace-0.22',
    {
      message:
        'It ended five times within ten minutes, each time while loading the profile “mars”. Look at its log, then restart it.',
    },
    { pid: null, display: null, cpu_percent: null, memory_bytes: null },
  ),
];

const software = {
  state: 'unavailable',
  reason: 'libnvidia-ml.so.1 is not on this machine, so pictures are drawn and encoded by the CPU.',
};
const nvidia = {
  state: 'available',
  driver_version: '570.86.15',
  gpus: [
    {
      index: 0,
      name: 'NVIDIA RTX A4500',
      uuid: 'GPU-1',
      memory_used_bytes: 7.4 * GB,
      memory_total_bytes: 20.5 * GB,
      utilization_percent: 61,
      encoder_percent: 22,
      encoder_sessions: 3,
      encoder_fps: 60,
      temperature_celsius: 67,
      power_watts: 141.6,
      power_limit_watts: 200,
      graphics_clock_mhz: 1_650,
      video_clock_mhz: 1_470,
      throttle_reasons: [],
    },
  ],
};

class Scene {
  constructor(options) {
    Object.assign(
      this,
      { warnings: [], gpus: software, slots: 4, builds, profiles: [], instances: [] },
      options,
    );
    this.history = Array.from({ length: 120 }, (_, i) => this.point(i));
    this.taken = NOW;
  }
  point(i) {
    const wave = (period, base, size) =>
      base + size * Math.sin(i / period) + size * 0.4 * Math.sin(i / (period / 3.7));
    const gpu = this.gpus.state === 'available';
    return {
      cpu_percent: wave(11, 46, 18),
      memory_percent: 38 + i / 40,
      gpu_percent: gpu ? wave(8, 58, 20) : null,
      gpu_memory_percent: gpu ? 36 : null,
    };
  }
  tick() {
    this.taken += 1_000;
    this.history = [...this.history.slice(1), this.point(this.taken / 1_000)];
  }
  add(id) {
    const one = instance(id, 'starting', 'demo', { phase: 'display', progress: 0.1, created: Date.now() });
    this.instances = [one, ...this.instances];
    return one.instance;
  }
  set(id, change) {
    this.instances
      .filter((one) => one.instance.instance_id === id)
      .forEach((one) => Object.assign(one.instance, change));
  }
  newsOf(id) {
    const one = this.instances.find(({ instance }) => instance.instance_id === id)?.instance;
    if (!one) return null;
    const { instance_id, state, phase, progress, attempt, message, build_name, demo } = one;
    return { instance_id, state, phase, progress, attempt, message, build_name, demo };
  }
  taking() {
    return this.instances.filter(({ instance }) => !['failed', 'stopped'].includes(instance.state)).length;
  }
  servers() {
    const slots_free = Math.max(0, this.slots - this.taking());
    return [
      {
        server_id: 'c0ffee00-0000-4000-8000-000000000001',
        name: 'render-01',
        region: 'utah',
        slots_total: this.slots,
        slots_free,
        this_machine: true,
        draining: false,
      },
    ];
  }
  log(id) {
    return this.instances.find((one) => one.instance.instance_id === id)?.log_tail ?? [];
  }

  logs() {
    const files = [
      { name: 'log.html', bytes: 48_120 },
      { name: 'program.log', bytes: 1_904_331 },
      { name: 'ScriptLog.txt', bytes: 7_204 },
    ];
    const living = this.instances.map(({ instance: { instance_id, build_name, profile, message } }) => ({
      instance_id,
      build_name,
      profile,
      ended: null,
      message,
      files,
    }));
    const gone = {
      instance_id: 'dead0000-0000-4000-8000-000000000001',
      build_name: 'OpenSpace 0.22.0',
      profile: 'default',
      ended: NOW - 5_400_000,
      message: 'OpenSpace 0.22.0 crashed (SIGSEGV). Its last words: “Error loading stars”.',
      files: [...files, { name: 'core.4187', bytes: 31_000_000 }],
    };
    return [...living, gone];
  }

  snapshot() {
    const last = this.history.at(-1);
    return {
      node: {
        server_id: 'c0ffee00-0000-4000-8000-000000000001',
        name: 'render-01',
        version: '0.1.0',
        started: NOW - 93_784_000,
        ports: { http: 3000, https: 8443, media: 4700, supervisor: 4699 },
        home_urls: [
          'https://render-01.planetarium.example:8443/',
          'https://192.168.1.20:8443/',
          'http://127.0.0.1:3000/',
        ],
        data_dir: '/var/lib/openspace-webrtc',
        slots_total: this.slots,
        slots_free: this.servers()[0].slots_free,
        viewers: 2,
        draining: null,
        graphics:
          this.gpus.state === 'available'
            ? 'NVIDIA (VirtualGL): the driver answers, and a test context was opened.'
            : 'Mesa (software): there is no NVIDIA driver, so OpenGL is drawn by the CPU.',
        encoder:
          this.gpus.state === 'available'
            ? {
                name: 'nvh264enc',
                codec: 'h264',
                hardware: true,
                reason: 'A session opened on GPU 0.',
                rejected: [],
              }
            : this.instances.length > 0
              ? x264
              : null,
      },
      health: {
        taken: this.taken,
        host: {
          name: 'render-01',
          cpu_model: 'AMD EPYC 7313P 16-Core Processor',
          cpu_cores: 16,
          cpu_percent: last.cpu_percent,
          memory_used_bytes: 26.4 * GB,
          memory_total_bytes: 67.2 * GB,
          disk_free_bytes: 412 * GB,
          disk_total_bytes: 982 * GB,
          network_received_bytes_per_s: 42_000,
          network_sent_bytes_per_s: 1.2e6 + 3e5 * Math.sin(this.taken / 7_000),
          uptime_s: 912_000,
          processes: [],
        },
        gpus: this.gpus,
      },
      history: this.history,
      instances: this.instances,
      builds: this.builds,
      standby: this.builds
        .slice(0, 1)
        .map((one) => ({ build: one.build.id, profile: one.profiles[0]?.id ?? null, wanted: 2, ready: 1 })),
      source_build: {
        dir: '/home/ann/OpenSpace',
        step: 'building',
        progress: 0.42,
        started: NOW - 312_000,
        message: null,
        build: null,
        log_tail: log,
      },
      warnings: this.warnings,
    };
  }
}

export const scenes = {
  busy: () => new Scene({ instances: busyInstances(), profiles }),
  empty: () => new Scene({ builds: [{ ...builds[2], build: { ...builds[2].build, default: true } }] }),
  gpu: () =>
    new Scene({
      instances: busyInstances().slice(0, 1),
      gpus: nvidia,
      profiles,
      warnings: [
        'The disk of the data folder is nearly full: 2 GB are free. Thumbnails and logs are kept there.',
      ],
    }),
  full: () => new Scene({ instances: busyInstances().slice(0, 2), slots: 2, profiles }),
  watcher: () => new Scene({ instances: busyInstances(), role: 'watcher' }),
  broken: () => new Scene({ broken: true }),
  denied: () => new Scene({ unauthorized: true }),
};
