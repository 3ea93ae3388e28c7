import type { WebSocket } from "ws";
import { reason } from "../cron-net/database-session.ts";
import { Channel, readConfig, reasonText } from "./channel.ts";
import type { Identity } from "./identity.ts";
import {
  type Broadcast,
  type Frame,
  type ProtocolVersion,
  readFrame,
  writeBroadcast,
  writeFrame,
} from "./phoenix-frame.ts";
import type { RealtimeService } from "./realtime-service.ts";

/** More unsent bytes than this, and the client is taken for dead. */
const MOST_UNSENT_BYTES = 8 * 1_048_576;
const SILENCE_MS = 60_000;
const MOST_CHANNELS = 100;
const GOODBYE_MS = 500;

/** One WebSocket of a client, with the channels it has joined. */
export class ClientConnection {
  readonly #socket: WebSocket;
  readonly #version: ProtocolVersion;
  readonly #keyIdentity: Identity;
  readonly #service: RealtimeService;
  readonly #channels = new Map<string, Channel>();
  #lastHeard = Date.now();
  /** Frames are handled one after the other, as the client sent them. */
  #handled: Promise<void> = Promise.resolve();

  constructor(socket: WebSocket, version: ProtocolVersion, keyIdentity: Identity, service: RealtimeService) {
    this.#socket = socket;
    this.#version = version;
    this.#keyIdentity = keyIdentity;
    this.#service = service;
    socket.on("message", (data, isBinary) => this.#receive(data as Buffer, isBinary));
    socket.on("close", () => this.#dropChannels());
    socket.on("error", () => socket.terminate());
  }

  /** Ends the connection when nothing was heard for a minute; a living client sends a heartbeat every 25 seconds. */
  endIfSilent(now: number): void {
    if (now - this.#lastHeard > SILENCE_MS) this.#socket.terminate();
  }

  /** Says goodbye and resolves when the socket is gone. */
  async close(): Promise<void> {
    this.#dropChannels();
    const closed = new Promise<void>((resolve) => this.#socket.once("close", () => resolve()));
    this.#socket.close(1001, "The server is going away");
    const impatience = setTimeout(() => this.#socket.terminate(), GOODBYE_MS);
    await closed;
    clearTimeout(impatience);
  }

  /** Hands a broadcast to the channel of its topic, if the client has joined it. */
  hear(broadcast: Broadcast): void {
    if (!this.#channels.has(broadcast.topic)) return;
    const message = writeBroadcast(this.#version, broadcast);
    if (message !== undefined) this.#write(message);
  }

  #receive(data: Buffer, isBinary: boolean): void {
    this.#lastHeard = Date.now();
    const frame = readFrame(data, isBinary);
    if (!frame) {
      this.#socket.close(1003, "Not a Phoenix message");
      return;
    }
    this.#handled = this.#handled
      .then(() => this.#handle(frame))
      .catch((error: unknown) => {
        this.#service.log(`realtime: ${frame.event} of ${frame.topic}: ${reason(error)}; the client is disconnected`);
        this.#socket.terminate();
      });
  }

  async #handle(frame: Frame): Promise<void> {
    const channel = this.#channels.get(frame.topic);
    switch (frame.event) {
      case "heartbeat":
        return this.#reply(frame, "ok");
      case "phx_join":
        return this.#join(frame);
      case "phx_leave":
        return channel ? channel.leave(frame.ref) : this.#reply(frame, "ok");
      case "access_token":
        return this.#renew(channel, frame.payload.access_token);
      case "broadcast":
        return channel ? this.#broadcast(channel, frame) : this.#reply(frame, "error", reasonText("unmatched topic"));
      case "presence":
        return this.#reply(frame, "error", reasonText("PresenceNotOffered: the embedded Realtime has no presence"));
      default:
        return this.#reply(frame, "error", reasonText(`UnknownEvent: ${frame.event}`));
    }
  }

  async #join(frame: Frame): Promise<void> {
    this.#channels.get(frame.topic)?.close(); // joining again replaces the channel, as with Phoenix
    const refusal = this.#refusalOf(frame);
    if (refusal) return this.#reply(frame, "error", reasonText(refusal));
    const token = sessionToken(frame.payload.access_token);
    const checked = token === undefined ? undefined : await this.#service.identities.ofToken(token);
    if (checked && !checked.ok) return this.#reply(frame, "error", reasonText(checked.reason));
    const { topic, joinRef } = frame;
    const channel = new Channel(
      {
        topic,
        joinRef,
        identity:
          checked?.identity ?? this.#service.identities.ofKey(String(frame.payload.access_token)) ?? this.#keyIdentity,
        token,
        config: readConfig(frame.payload),
        write: (ref, event, payload) => this.#write(writeFrame(this.#version, { joinRef, ref, topic, event }, payload)),
        onClosed: (closed) => this.#forget(closed),
      },
      this.#service,
    );
    this.#channels.set(topic, channel);
    this.#service.channels.add(channel);
    // Not awaited: other channels of this client need not wait until this one's changes flow.
    void channel.join(frame.ref).catch((error: unknown) => {
      this.#service.log(`realtime: the join of ${topic}: ${reason(error)}; the channel is closed`);
      channel.close();
    });
  }

  #refusalOf({ topic, payload }: Frame): string | undefined {
    if (!topic.startsWith("realtime:") || topic === "realtime:")
      return "TopicNameRequired: You must provide a topic name";
    if (this.#channels.size >= MOST_CHANNELS)
      return `ChannelRateLimitReached: Too many channels (at most ${MOST_CHANNELS})`;
    if (readConfig(payload).isPrivate) return "Unauthorized: the embedded Realtime has no private channels";
    return undefined;
  }

  async #renew(channel: Channel | undefined, token: unknown): Promise<void> {
    const session = sessionToken(token);
    if (session !== undefined) await channel?.renew(session);
  }

  #broadcast(channel: Channel, frame: Frame): void {
    const { event, content, payload } = frame.payload;
    const said = content ?? JSON.stringify(payload ?? {});
    const isContent = typeof said === "string" || said instanceof Uint8Array;
    if (typeof event !== "string" || !isContent) {
      channel.reply(frame.ref, "error", reasonText("MalformedBroadcast: an event needs a name"));
      return;
    }
    this.#service.broadcast({ topic: channel.topic, event, content: said }, channel.config.self ? undefined : this);
    if (channel.config.ack) channel.reply(frame.ref, "ok");
  }

  #reply({ joinRef, ref, topic }: Frame, status: "ok" | "error", response = "{}"): void {
    const payload = `{"status":"${status}","response":${response}}`;
    this.#write(writeFrame(this.#version, { joinRef, ref, topic, event: "phx_reply" }, payload));
  }

  #write(message: string | Buffer): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(message);
    if (this.#socket.bufferedAmount > MOST_UNSENT_BYTES) this.#socket.terminate();
  }

  #forget(channel: Channel): void {
    this.#service.channels.delete(channel);
    if (this.#channels.get(channel.topic) === channel) this.#channels.delete(channel.topic);
  }

  #dropChannels(): void {
    for (const channel of this.#channels.values()) channel.drop();
  }
}

/** Returns a session token; API keys, which clients without a session send in its place, are none. */
function sessionToken(token: unknown): string | undefined {
  return typeof token === "string" && token !== "" && !token.startsWith("sb_") ? token : undefined;
}
