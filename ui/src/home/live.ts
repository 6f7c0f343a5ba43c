// What the home page knows, kept true by the server's events.

import { ask, askJson, inWords, Refused, Unreachable, type Ask } from '@shared/http';
import { isLive } from '@shared/instanceWords';
import type {
  BuildView,
  InstanceId,
  InstanceView,
  Launched,
  LaunchRequest,
  LeftSceneView,
  ProfileView,
  ServerView,
  TicketView,
} from '@shared/protocol';
import { sessionId } from '@shared/sessionId';
import { follow } from '@shared/sse';
import { lasting } from '@shared/storage';
import { Store } from '@shared/store';

import { applyEvent, parseEvent } from './instances';

const API = '/api/v1';
/** How many instances this browser last had: a server that forgot them should be told apart from a first visit. */
const HAD = 'instances_running';
/** Free places change when others launch and stop, of which we see no events. */
const ROOM_EVERY_MS = 10_000;
/** What was refused for once is asked for again after so long. */
const AGAIN_MS = 1_000;

export type Link = 'connecting' | 'up' | 'down';

export type HomeState = {
  link: Link;
  instances: InstanceView[] | null;
  builds: BuildView[] | null;
  servers: ServerView[];
  /** Of instances that have ended. */
  scenes: LeftSceneView[];
  /** One's places in the queue. */
  queue: TicketView[];
  /** The server no longer knew this browser; that many running instances are out of its sight. */
  lost: number;
  problem: string | null;
};

export class Live {
  private readonly store = new Store<HomeState>({
    link: 'connecting',
    instances: null,
    builds: null,
    servers: [],
    scenes: [],
    queue: [],
    lost: 0,
    problem: null,
  });
  readonly state = this.store.get;
  readonly subscribe = this.store.subscribe;

  start(): void {
    const { wake } = follow({
      url: `${API}/events`,
      bearer: () => sessionId.ensure(),
      onUp: () => {
        // Whoever waits is told of it by the new stream.
        this.store.patch({ link: 'up', problem: null, queue: [] });
        void this.refresh();
      },
      onEvent: ({ event, data }) => this.hear(event, data),
      onDown: (error) => this.down(error),
    });
    window.addEventListener('online', wake);
    document.addEventListener('visibilitychange', () => !document.hidden && wake());
    setInterval(() => {
      if (!document.hidden && this.state().link === 'up') void this.refreshRoom();
    }, ROOM_EVERY_MS);
  }

  launch(request: LaunchRequest): Promise<Launched> {
    return this.withSession((bearer) =>
      askJson(`${API}/instances`, { method: 'POST', body: request, bearer }),
    );
  }

  /** Comes for the place that is held. */
  claim(ticket: string): Promise<Launched> {
    return this.withSession((bearer) => askJson(`${API}/queue/${ticket}`, { method: 'POST', bearer }));
  }

  async leaveQueue(ticket: string): Promise<void> {
    await this.withSession((bearer) => ask(`${API}/queue/${ticket}`, { method: 'DELETE', bearer }));
    this.store.patch({ queue: this.state().queue.filter((one) => one.ticket_id !== ticket) });
  }

  async stop(id: InstanceId): Promise<void> {
    await this.withSession((bearer) => ask(`${API}/instances/${id}`, { method: 'DELETE', bearer }));
  }

  async forgetScene(id: InstanceId): Promise<void> {
    await this.withSession((bearer) => ask(`${API}/scenes/${id}`, { method: 'DELETE', bearer }));
    await this.refreshScenes();
  }

  async thumbnail(id: InstanceId): Promise<Blob> {
    const answer = await this.asked(`${API}/instances/${id}/thumbnail.jpg`, { accept: 'image/jpeg' });
    return answer.blob();
  }

  async profiles(build: string): Promise<ProfileView[]> {
    const answer = await this.asked(`${API}/profiles?build=${encodeURIComponent(build)}`);
    return (await answer.json()) as ProfileView[];
  }

  hadRunning(): boolean {
    return Number(lasting.get(HAD) ?? 0) > 0;
  }

  dismissLost(): void {
    this.store.patch({ lost: 0 });
  }

  private hear(name: string, data: string): void {
    const event = parseEvent(name, data);
    if (!event) return;
    if (event.type === 'queue') {
      this.store.patch({ queue: event.tickets });
      return;
    }
    const instances = applyEvent(this.state().instances, event);
    lasting.set(HAD, String(instances.filter((one) => isLive(one.state)).length));
    this.store.patch({ instances });
    void this.refreshRoom();
    if (event.type === 'removed') void this.refreshScenes();
  }

  private down(error: unknown): 'retry' {
    if (error instanceof Refused && error.status === 401) {
      this.forget();
      return 'retry';
    }
    const silent = error === null || error instanceof Unreachable || !(error instanceof Refused);
    this.store.patch({ link: 'down', problem: silent ? null : inWords(error) });
    return 'retry';
  }

  /** The server does not know this browser (any more): the next try begins a new session. */
  private forget(): void {
    const had = Number(lasting.get(HAD) ?? 0);
    sessionId.forget();
    lasting.set(HAD, '0');
    this.store.patch({ lost: Math.max(this.state().lost, had) });
  }

  async refresh(): Promise<void> {
    try {
      const answer = await this.asked(`${API}/builds`);
      this.store.patch({ builds: (await answer.json()) as BuildView[], problem: null });
      await Promise.all([this.refreshRoom(), this.refreshScenes()]);
    } catch (error) {
      this.store.patch({ problem: inWords(error) });
      // A busy server refuses one question and answers the next: without the builds nothing can be launched.
      setTimeout(() => this.state().builds === null && void this.refresh(), AGAIN_MS);
    }
  }

  private async refreshRoom(): Promise<void> {
    try {
      const answer = await this.asked(`${API}/servers`);
      this.store.patch({ servers: (await answer.json()) as ServerView[] });
    } catch {
      // The stream of events says whether the server is there; stale room is corrected by the next try.
    }
  }

  private async refreshScenes(): Promise<void> {
    try {
      const answer = await this.asked(`${API}/scenes`);
      this.store.patch({ scenes: (await answer.json()) as LeftSceneView[] });
    } catch {
      // They are an offer: without it the page is whole.
    }
  }

  private asked(url: string, options?: Ask): Promise<Response> {
    return this.withSession((bearer) => ask(url, { ...options, bearer }));
  }

  /** Once more with a new session when the server does not know this one. */
  private async withSession<T>(act: (bearer: string) => Promise<T>): Promise<T> {
    const bearer = await sessionId.ensure();
    try {
      return await act(bearer);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 401) throw error;
      // Another request may have renewed it meanwhile.
      if (sessionId.get() === bearer) this.forget();
      return await act(await sessionId.ensure());
    }
  }
}
