import type pg from "pg";
import { ChangeHub } from "./change-hub.ts";
import type { ChangeRequest } from "./change-request.ts";
import { ChangeStream } from "./change-stream.ts";
import type { Channel } from "./channel.ts";
import type { ClientConnection } from "./client-connection.ts";
import { Gate } from "./gate.ts";
import { IdentityCheck, type IdentityKeys } from "./identity.ts";
import type { Broadcast } from "./phoenix-frame.ts";
import { findObjection } from "./subscription-check.ts";
import { TableCatalog } from "./table-catalog.ts";

export interface RealtimeServiceOptions extends IdentityKeys {
  databaseUrl: string;
  pool: pg.Pool;
  log(line: string): void;
}

/** What all connections share: who may listen, what changes, and every open channel. */
export class RealtimeService {
  readonly identities: IdentityCheck;
  readonly hub: ChangeHub;
  readonly channels = new Set<Channel>();
  readonly connections = new Set<ClientConnection>();
  readonly log: (line: string) => void;
  readonly #pool: pg.Pool;
  readonly #catalog: TableCatalog;
  readonly #stream: ChangeStream;
  readonly #flowing = new Gate();

  constructor(options: RealtimeServiceOptions) {
    this.#pool = options.pool;
    this.log = options.log;
    this.identities = new IdentityCheck(options);
    this.#catalog = new TableCatalog(options.pool);
    this.hub = new ChangeHub(options.pool, this.#catalog, options.log);
    this.#stream = new ChangeStream({
      ...options,
      onChange: (change) => this.hub.publish(change),
      onTableSeen: (tableId) => this.#catalog.forget(tableId),
      onReady: () => this.#ready(),
      onLost: () => this.#flowing.shut(),
    });
  }

  start(): void {
    this.#stream.start();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.connections].map((connection) => connection.close()));
    await this.#stream.stop();
  }

  /** Tells everybody in the topic except the given connection. */
  broadcast(broadcast: Broadcast, except: ClientConnection | undefined): void {
    for (const connection of this.connections) {
      if (connection !== except) connection.hear(broadcast);
    }
  }

  endSilentClients(now: number): void {
    for (const connection of this.connections) connection.endIfSilent(now);
  }

  /** Waits until changes flow and returns why the requests can't be served, or undefined when they can. */
  async objectionTo(
    requests: { request: ChangeRequest }[],
    channel: Channel,
    ended: AbortSignal,
  ): Promise<string | undefined> {
    await this.#flowing.passed(ended);
    if (ended.aborted) return "PostgresChangesSubscribeTimeout: the changes did not flow in time";
    try {
      for (const { request } of requests) {
        const objection = await findObjection(this.#pool, this.#catalog, request, channel.identity);
        if (objection) return objection;
      }
      return undefined;
    } catch (error) {
      return `UnableToSubscribe: ${error instanceof Error ? error.message : error}`;
    }
  }

  // The stream came back with a new slot: what was committed in between is lost, so the clients look again.
  #ready(): void {
    this.#flowing.open();
    for (const channel of this.channels) {
      if (this.hub.hears(channel)) channel.tellChangesFlow();
    }
  }
}
