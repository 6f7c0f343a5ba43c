// The media: answers the server's offers and puts the picture into the `<video>`.

import type { Candidate, IceServer } from '@shared/protocol';

import { farPeer } from './sdp';

export type PeerOptions = {
  video: HTMLVideoElement;
  audio: HTMLAudioElement;
  onAnswer: (sdp: string) => void;
  onCandidate: (candidate: Candidate) => void;
  onEvent: (event: 'new' | 'connected' | 'disconnected' | 'failed') => void;
  onChannel: (channel: RTCDataChannel) => void;
};

export class Peer {
  private readonly options: PeerOptions;
  private connection: RTCPeerConnection | null = null;
  private remote: string | null = null;
  /** Offers and candidates one after the other: a candidate is refused before its offer is in. */
  private work: Promise<void> = Promise.resolve();

  constructor(options: PeerOptions) {
    this.options = options;
  }

  get stats(): Promise<RTCStatsReport> | null {
    return this.connection?.getStats() ?? null;
  }

  /** A first offer, or one of the same far peer (ICE restart, change of codec), or of a new one. */
  accept(sdp: string, iceServers: IceServer[]): void {
    this.next(async () => {
      const connection = this.connectionFor(sdp, iceServers);
      await connection.setRemoteDescription({ type: 'offer', sdp });
      await connection.setLocalDescription(await connection.createAnswer());
      const answer = connection.localDescription?.sdp;
      if (answer !== undefined && this.connection === connection) this.options.onAnswer(answer);
    });
  }

  addCandidate(candidate: string, sdpMid: string | null): void {
    this.next(async () => {
      await this.connection?.addIceCandidate({ candidate, sdpMid: sdpMid ?? '0' });
    });
  }

  drop(): void {
    const connection = this.connection;
    this.connection = null;
    this.remote = null;
    if (!connection) return;
    connection.onconnectionstatechange = null;
    connection.onicecandidate = null;
    connection.ontrack = null;
    connection.close();
  }

  private next(work: () => Promise<void>): void {
    this.work = this.work.then(work).catch(() => {
      // One bad candidate is no reason to give up; a bad offer shows itself by the media being late.
    });
  }

  private connectionFor(sdp: string, iceServers: IceServer[]): RTCPeerConnection {
    const remote = farPeer(sdp);
    if (this.connection && this.remote === remote) return this.connection;
    const replaced = this.connection !== null;
    this.drop();
    this.remote = remote;
    this.connection = this.open(iceServers);
    if (replaced) this.options.onEvent('new');
    return this.connection;
  }

  private open(iceServers: IceServer[]): RTCPeerConnection {
    const connection = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
    connection.ontrack = ({ track, receiver, streams }) => {
      playAtOnce(receiver);
      if (track.kind === 'audio') {
        this.options.audio.srcObject = streams[0] ?? new MediaStream([track]);
        return;
      }
      this.options.video.srcObject = streams[0] ?? new MediaStream([track]);
      this.options.video.play().catch(() => {
        // Muted video may always play; a page that is being closed interrupts it.
      });
    };
    connection.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate) {
        this.options.onCandidate({ candidate: candidate.candidate, sdp_mid: candidate.sdpMid });
      }
    };
    connection.ondatachannel = ({ channel }) => this.options.onChannel(channel);
    connection.onconnectionstatechange = () => {
      const event = connection.connectionState;
      if (event === 'connected' || event === 'disconnected' || event === 'failed')
        this.options.onEvent(event);
    };
    return connection;
  }
}

/** Frames are shown when they arrive. Browsers without the playout-delay extension need to be told so. */
function playAtOnce(receiver: RTCRtpReceiver): void {
  if ('jitterBufferTarget' in receiver) receiver.jitterBufferTarget = 0;
}
