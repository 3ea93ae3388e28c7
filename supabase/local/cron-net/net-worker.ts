import type pg from "pg";
import { type DatabaseSession, openSession } from "./database-session.ts";
import { type QueuedRequest, type RecordedResponse, sendRequest } from "./http-request.ts";
import { WakeUp } from "./wake-up.ts";

const BATCH_SIZE = 200;
const LOOK_EVERY_MS = 50;
const TTL = "6 hours";

/**
 * Starts the stand-in for pg_net's worker, with its faults: a batch is taken, sent and recorded in one transaction, so
 * the slowest request of a batch delays all of it, nothing is retried, and a crash sends a batch twice.
 */
export function startNetWorker(databaseUrl: string, log: (line: string) => void): Promise<DatabaseSession> {
  return openSession({ databaseUrl, name: "pg_net worker", log, work: sendBatches });
}

async function sendBatches(client: pg.Client, ended: AbortSignal): Promise<void> {
  const wakeUp = new WakeUp();
  while (!ended.aborted) {
    const { rows } = await client.query<{ waiting: boolean }>(
      "select exists (select from net.http_request_queue) as waiting",
    );
    if (rows[0]?.waiting) await sendBatch(client, ended);
    else await wakeUp.wait(LOOK_EVERY_MS, ended);
  }
}

async function sendBatch(client: pg.Client, ended: AbortSignal): Promise<void> {
  await client.query("begin");
  await client.query(
    `delete from net._http_response where ctid = any (array(
       select ctid from net._http_response where created < now() - $1::interval limit $2))`,
    [TTL, BATCH_SIZE],
  );
  const { rows } = await client.query<QueuedRequest>(
    `delete from net.http_request_queue where ctid = any (array(select ctid from net.http_request_queue order by id limit $1))
     returning id, method, url, headers, body, timeout_milliseconds`,
    [BATCH_SIZE],
  );
  const responses = await Promise.all(rows.map((request) => sendRequest(request, ended)));
  if (ended.aborted) return; // the connection closes without a commit: the batch is sent again next time
  await client.query(INSERT_RESPONSES, [JSON.stringify(responses satisfies RecordedResponse[])]);
  await client.query("commit");
}

const INSERT_RESPONSES = `
  insert into net._http_response (id, status_code, content_type, headers, content, timed_out, error_msg, created)
  select r.id, r.status_code, r.content_type, r.headers, r.content, r.timed_out, r.error_msg, clock_timestamp()
  from jsonb_to_recordset($1::jsonb) as r (
    id bigint, status_code integer, content_type text, headers jsonb, content text, timed_out boolean, error_msg text)`;
