import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from "pg-logical-replication";
import { reason } from "../cron-net/database-session.ts";
import type { ChangeType } from "./change-request.ts";

export const PUBLICATION = "supabase_realtime";
const RETRY_MS = { first: 100, most: 2_000 };

/** A row as its columns' text; undefined is a large value that an UPDATE left as it was. */
export type TextRow = Record<string, string | null | undefined>;

/** A committed change of a row, as the write-ahead log tells it. */
export interface RowChange {
  type: ChangeType;
  tableId: number;
  schema: string;
  table: string;
  committedAt: Date;
  record: TextRow | undefined;
  /** The replica identity, or the whole row with `replica identity full`; undefined when the key stayed the same. */
  oldRecord: TextRow | undefined;
}

export interface ChangeStreamOptions {
  databaseUrl: string;
  pool: pg.Pool;
  log(line: string): void;
  onChange(change: RowChange): Promise<void>;
  /** A table's columns, key or privileges may have changed. */
  onTableSeen(tableId: number): void;
  /** The stream runs: every change committed from now on will arrive. */
  onReady(): void;
  onLost(): void;
}

/** Streams the publication's changes from a temporary slot, which the server drops together with the connection. */
export class ChangeStream {
  readonly #options: ChangeStreamOptions;
  readonly #stopping = new AbortController();
  readonly #slot = `supabase_realtime_${process.pid}_${randomUUID().slice(0, 8)}`;
  #service: LogicalReplicationService | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ChangeStreamOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Ends the stream and waits until the server has dropped the slot. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#service?.stop();
    await this.#running;
    for (let tries = 0; tries < 100 && (await this.#slotExists()); tries += 1) await sleep(20);
  }

  async #run(): Promise<void> {
    let delay = RETRY_MS.first;
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#untilPublished();
        if (!this.#stopping.signal.aborted) {
          await this.#stream(() => {
            delay = RETRY_MS.first;
          });
        }
      } catch (error) {
        if (!this.#stopping.signal.aborted) this.#options.log(`realtime: ${reason(error)}; connecting again`);
      }
      this.#options.onLost();
      await this.#pause(delay);
      delay = Math.min(delay * 2, RETRY_MS.most);
    }
  }

  async #untilPublished(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const { rowCount } = await this.#options.pool.query("select from pg_publication where pubname = $1", [
        PUBLICATION,
      ]);
      if (rowCount) return;
      await this.#pause(500);
    }
  }

  async #stream(onStart: () => void): Promise<void> {
    const service = new LogicalReplicationService(
      { connectionString: this.#options.databaseUrl, application_name: "supabase_realtime", keepAlive: true },
      { acknowledge: { auto: false, timeoutSeconds: 10 }, flowControl: { enabled: true } },
    );
    this.#service = service;
    let committedAt = new Date(0);
    service.on("start", () => {
      onStart();
      this.#options.onReady();
    });
    service.on("error", (error) => {
      if (!this.#stopping.signal.aborted) this.#options.log(`realtime: ${reason(error)}`);
    });
    service.on("heartbeat", (lsn, _at, shouldRespond) => {
      if (shouldRespond) void service.acknowledge(lsn);
    });
    service.on("data", async (_lsn: string, message: Pgoutput.Message) => {
      if (message.tag === "begin") committedAt = new Date(Number(BigInt(String(message.commitTime)) / 1000n));
      else if (message.tag === "relation") this.#options.onTableSeen(message.relationOid);
      else {
        const change = toRowChange(message, committedAt);
        if (change) await this.#options.onChange(change);
      }
    });
    await service.subscribe(new TemporarySlotPlugin(), this.#slot);
    await service.stop();
  }

  async #slotExists(): Promise<boolean> {
    const { rowCount } = await this.#options.pool
      .query("select from pg_replication_slots where slot_name = $1", [this.#slot])
      .catch(() => ({ rowCount: 0 })); // a server that is gone has no temporary slots
    return Boolean(rowCount);
  }

  async #pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}

/** Makes the slot in the very connection that streams, and leaves every value the text that Postgres wrote. */
class TemporarySlotPlugin extends PgoutputPlugin {
  constructor() {
    super({ protoVersion: 1, publicationNames: [PUBLICATION] });
  }

  override async start(client: pg.Client, slotName: string, lastLsn: string): Promise<pg.QueryResult> {
    await client.query(`CREATE_REPLICATION_SLOT "${slotName}" TEMPORARY LOGICAL pgoutput (SNAPSHOT 'nothing')`);
    return super.start(client, slotName, lastLsn);
  }

  override parse(buffer: Buffer): Pgoutput.Message {
    const message = super.parse(buffer);
    if (message.tag === "relation") for (const column of message.columns) column.parser = (text: string) => text;
    return message;
  }
}

function toRowChange(message: Pgoutput.Message, committedAt: Date): RowChange | undefined {
  if (message.tag !== "insert" && message.tag !== "update" && message.tag !== "delete") return undefined;
  const { relationOid, schema, name } = message.relation;
  const of = { tableId: relationOid, schema, table: name, committedAt };
  switch (message.tag) {
    case "insert":
      return { ...of, type: "INSERT", record: message.new, oldRecord: undefined };
    case "update":
      return { ...of, type: "UPDATE", record: message.new, oldRecord: message.old ?? message.key ?? undefined };
    case "delete":
      return { ...of, type: "DELETE", record: undefined, oldRecord: message.old ?? message.key ?? undefined };
    default:
      return message satisfies never;
  }
}
