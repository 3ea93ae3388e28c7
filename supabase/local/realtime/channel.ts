import type { Subscription } from "./change-hub.ts";
import { type ChangeRequest, parseChangeRequest } from "./change-request.ts";
import { expiredReason, type Identity } from "./identity.ts";
import type { RealtimeService } from "./realtime-service.ts";

const LONGEST_TIMER_MS = 2 ** 31 - 1;
const WAIT_MS = { usual: 15_000, most: 20_000 };

/** What a client wrote into `config` when it joined. */
interface ChannelConfig {
  changes: unknown[];
  ack: boolean;
  self: boolean;
  isPrivate: boolean;
  presence: boolean;
  /** How long the join's reply may wait for the changes to flow, in milliseconds; undefined when it shall not wait. */
  wait: number | undefined;
}

export interface ChannelOptions {
  topic: string;
  joinRef: string | null;
  identity: Identity;
  token: string | undefined;
  config: ChannelConfig;
  /** Writes a frame to the client. */
  write(ref: string | null, event: string, payload: string): void;
  onClosed(channel: Channel): void;
}

let lastSubscriptionId = 0;

/** One topic that a client has joined. */
export class Channel {
  readonly topic: string;
  readonly joinRef: string | null;
  readonly config: ChannelConfig;
  identity: Identity;
  token: string | undefined;
  readonly #options: ChannelOptions;
  readonly #service: RealtimeService;
  readonly #closed = new AbortController();
  #expiry: NodeJS.Timeout | undefined;

  constructor(options: ChannelOptions, service: RealtimeService) {
    this.topic = options.topic;
    this.joinRef = options.joinRef;
    this.config = options.config;
    this.identity = options.identity;
    this.token = options.token;
    this.#options = options;
    this.#service = service;
    this.#watchExpiry();
  }

  /** Answers the join and lets the changes flow; the reply comes first unless the client asked to wait. */
  async join(ref: string | null): Promise<void> {
    const entries = this.config.changes.map((entry) => {
      lastSubscriptionId += 1;
      return { id: lastSubscriptionId, entry, parsed: parseChangeRequest(entry) };
    });
    const answer = JSON.stringify({
      postgres_changes: entries.map(({ id, entry }) => ({ ...(entry as Record<string, unknown>), id })),
    });
    const requests = entries.flatMap(({ id, parsed }) => (parsed.ok ? [{ id, request: parsed.request }] : []));
    const malformed = entries.flatMap(({ parsed }) => (parsed.ok ? [] : [parsed.reason]))[0];
    const wait = entries.length > 0 ? this.config.wait : undefined;
    if (wait === undefined) this.reply(ref, "ok", answer);
    if (this.config.presence) this.send("presence_state", "{}");
    if (entries.length === 0) return;
    const objection = malformed ?? (await this.#activate(requests, wait));
    if (this.#closed.signal.aborted) return;
    if (wait !== undefined) this.reply(ref, objection ? "error" : "ok", objection ? reasonText(objection) : answer);
    if (!objection) this.tellChangesFlow();
    else if (wait === undefined) this.#tellSystem("postgres_changes", "error", objection);
    else this.#end();
  }

  /** Sends an event that answers nothing. */
  send(event: string, payload: string): void {
    if (!this.#closed.signal.aborted) this.#options.write(null, event, payload);
  }

  reply(ref: string | null, status: "ok" | "error", response = "{}"): void {
    this.#options.write(ref, "phx_reply", `{"status":"${status}","response":${response}}`);
  }

  /** Says that changes flow (again): what the client missed until now it must fetch. */
  tellChangesFlow(): void {
    this.#tellSystem("postgres_changes", "ok", "Subscribed to PostgreSQL");
  }

  get hasChanges(): boolean {
    return this.config.changes.length > 0;
  }

  /** Takes over a new session token; one that is no good ends the channel. */
  async renew(token: string): Promise<void> {
    if (token === this.token) return;
    const checked = await this.#service.identities.ofToken(token);
    if (!checked.ok) return this.#expel(checked.reason);
    this.token = token;
    this.identity = checked.identity;
    this.#watchExpiry();
  }

  /** Ends the channel at the client's wish. */
  leave(ref: string | null): void {
    this.reply(ref, "ok");
    this.close();
  }

  /** Ends the channel and tells the client. */
  close(): void {
    if (this.#closed.signal.aborted) return;
    this.#options.write(this.joinRef, "phx_close", "{}");
    this.#end();
  }

  /** Ends the channel of a client that is gone. */
  drop(): void {
    this.#end();
  }

  async #activate(
    requests: { id: number; request: ChangeRequest }[],
    wait: number | undefined,
  ): Promise<string | undefined> {
    const timeout = wait === undefined ? [] : [AbortSignal.timeout(wait)];
    const ended = AbortSignal.any([this.#closed.signal, ...timeout]);
    const objection = await this.#service.objectionTo(requests, this, ended);
    if (objection !== undefined || this.#closed.signal.aborted) return objection;
    const subscriptions: Subscription[] = requests.map(({ id, request }) => ({ id, listener: this, request }));
    this.#service.hub.add(subscriptions);
    return undefined;
  }

  #watchExpiry(): void {
    clearTimeout(this.#expiry);
    const left = this.identity.expiresAt - Date.now();
    if (!Number.isFinite(left)) return;
    this.#expiry = setTimeout(
      () =>
        this.identity.expiresAt <= Date.now()
          ? this.#expel(expiredReason(this.identity.expiresAt))
          : this.#watchExpiry(),
      Math.min(Math.max(left, 0) + 1, LONGEST_TIMER_MS),
    );
    this.#expiry.unref();
  }

  #expel(why: string): void {
    this.#tellSystem("system", "error", why);
    this.close();
  }

  #tellSystem(extension: string, status: "ok" | "error", message: string): void {
    const channel = this.topic.replace(/^realtime:/, "");
    this.send("system", JSON.stringify({ extension, status, message, channel }));
  }

  #end(): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    clearTimeout(this.#expiry);
    this.#service.hub.remove(this);
    this.#options.onClosed(this);
  }
}

/** Writes the response of an error reply. */
export function reasonText(reason: string): string {
  return JSON.stringify({ reason });
}

/** Reads the `config` of a join; what is missing or of another type is as if it were not asked for. */
export function readConfig(payload: Record<string, unknown>): ChannelConfig {
  const config = asObject(payload.config);
  const [broadcast, presence, options] = [config.broadcast, config.presence, config.postgres_changes_options].map(
    asObject,
  );
  const timeout = typeof options?.timeout === "number" ? options.timeout : WAIT_MS.usual;
  return {
    changes: Array.isArray(config.postgres_changes) ? config.postgres_changes : [],
    ack: broadcast?.ack === true,
    self: broadcast?.self === true,
    isPrivate: config.private === true,
    presence: presence?.enabled === true,
    wait: options?.wait === true ? Math.min(timeout, WAIT_MS.most) : undefined,
  };
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
