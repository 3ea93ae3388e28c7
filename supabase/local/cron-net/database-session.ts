import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

/** What a worker does with its connection; `ended` fires when the connection is lost or the session is stopped. */
export type SessionWork = (client: pg.Client, ended: AbortSignal) => Promise<void>;

/** A worker's own connection to the database, made anew whenever it is lost. */
export interface DatabaseSession {
  stop(): Promise<void>;
}

export interface SessionOptions {
  databaseUrl: string;
  /** Shown as application_name, and used in the log. */
  name: string;
  log(line: string): void;
  work: SessionWork;
}

const RETRY_MS = { first: 100, most: 2_000 };

/** Connects and runs the work until stopped; the first connection must succeed, later ones are retried for ever. */
export async function openSession(options: SessionOptions): Promise<DatabaseSession> {
  const stopping = new AbortController();
  const first = await connect(options);
  const running = runForEver(options, first, stopping.signal);
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

async function connect({ databaseUrl, name }: SessionOptions): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: name, keepAlive: true });
  client.on("error", () => {}); // the end of the connection is reported by "end"
  await client.connect();
  return client;
}

async function runForEver(options: SessionOptions, first: pg.Client, stopping: AbortSignal): Promise<void> {
  let client: pg.Client | undefined = first;
  let delay = RETRY_MS.first;
  while (!stopping.aborted) {
    try {
      client ??= await connect(options);
      delay = RETRY_MS.first;
      await runOnce(options.work, client, stopping);
    } catch (error) {
      if (!stopping.aborted) options.log(`${options.name}: ${reason(error)}; connecting again`);
    }
    client = undefined;
    if (!stopping.aborted) await sleep(delay, undefined, { signal: stopping }).catch(() => {});
    delay = Math.min(delay * 2, RETRY_MS.most);
  }
}

async function runOnce(work: SessionWork, client: pg.Client, stopping: AbortSignal): Promise<void> {
  const lost = new AbortController();
  client.once("end", () => lost.abort());
  try {
    await work(client, AbortSignal.any([stopping, lost.signal]));
    if (lost.signal.aborted) throw new Error("the database ended the connection");
  } finally {
    await client.end().catch(() => {});
  }
}

/** Says in a few words what went wrong. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
