import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { startCronAndNet } from "../../local/cron-net/cron-and-net.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

interface ReceivedRequest {
  url: string;
  method: string;
  body: string;
  headers: IncomingMessage["headers"];
}

/** A database with cron and net at work and no job of ours, and a server that they may call. */
export interface CronNetBench {
  readonly db: TestDatabase;
  /** The called server's address. */
  readonly address: string;
  /** What the server was sent. */
  readonly received: readonly ReceivedRequest[];
  /** Sets how the server answers from now on; "fine" at first. */
  answers(respond: (request: IncomingMessage, response: ServerResponse) => void): void;
  startWorkers(): Promise<void>;
  stopWorkers(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a bench of its own. */
export async function openCronNetBench(): Promise<CronNetBench> {
  const received: ReceivedRequest[] = [];
  let respond: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.end("fine");
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      received.push({ url: request.url ?? "", method: request.method ?? "", body, headers: request.headers });
      respond(request, response);
    });
  });
  const address = await listen(server);
  const db = await testDatabase();
  await db.admin`delete from cron.job`;
  const start = () => startCronAndNet({ databaseUrl: db.url("supabase_admin"), log: () => {} });
  let workers = await start();
  return {
    db,
    address,
    received,
    answers: (next) => {
      respond = next;
    },
    startWorkers: async () => {
      workers = await start();
    },
    stopWorkers: () => workers.stop(),
    close: async () => {
      await workers.stop();
      await db.drop();
      server.closeAllConnections();
      server.close();
    },
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Waits until the condition holds; the test's own timeout ends a wait in vain. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}
