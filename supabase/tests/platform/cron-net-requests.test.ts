import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "../../local/process/free-port.ts";
import type { TestDatabase } from "../support/database.ts";
import { type CronNetBench, openCronNetBench, until } from "./cron-net-bench.ts";

let bench: CronNetBench;
let db: TestDatabase;
let address: string;
let received: CronNetBench["received"];

beforeEach(async () => {
  bench = await openCronNetBench();
  ({ db, address, received } = bench);
});
afterEach(() => bench.close());

describe("the net worker", () => {
  it("sends a committed request once and records the answer in pg_net's columns", async () => {
    bench.answers((_request, response) =>
      response.writeHead(202, { "content-type": "application/json" }).end('{"ok":true}'),
    );
    const [row] =
      await db.sql`select net.http_post(${`${address}/tick`}, '{"a": 1}', '{"q": "1"}', '{"x-cron-token": "t"}') as id`;
    const [answer] = await responses(1);
    expect(answer).toMatchObject({
      id: row?.id,
      status_code: 202,
      content: '{"ok":true}',
      timed_out: false,
      error_msg: null,
    });
    expect(answer?.content_type).toBe("application/json");
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({ url: "/tick?q=1", method: "POST", body: '{"a": 1}' });
    expect(received[0]?.headers).toMatchObject({ "x-cron-token": "t", "content-type": "application/json" });
  });

  it("sends nothing before the commit", async () => {
    await db.sql.begin(async (transaction) => {
      await transaction`select net.http_post(${`${address}/early`})`;
      await sleep(400);
      expect(received).toHaveLength(0);
    });
    await responses(1);
    expect(received).toHaveLength(1);
  });

  it("sends nothing after a rollback", async () => {
    await db.sql
      .begin(async (transaction) => {
        await transaction`select net.http_post(${`${address}/never`})`;
        throw new Error("roll back");
      })
      .catch(() => {});
    await db.sql`select net.http_get(${`${address}/later`})`;
    await responses(1);
    expect(received.map((request) => request.url)).toEqual(["/later"]);
  });

  it("does not retry: an error is a recorded answer", async () => {
    await db.sql`select net.http_post(${`http://127.0.0.1:${await freePort()}/closed`})`;
    bench.answers((_request, response) => response.writeHead(500).end("broken"));
    await db.sql`select net.http_post(${`${address}/broken`})`;
    const answers = await responses(2);
    expect(answers.map((answer) => [answer.status_code, answer.error_msg])).toEqual([
      [null, "Couldn't connect to server"],
      [500, null],
    ]);
    await sleep(300);
    expect(received).toHaveLength(1);
    expect(await db.sql`select from net.http_request_queue`).toHaveLength(0);
  });

  it("gives up at the timeout and holds the whole batch until then", async () => {
    bench.answers((request, response) => {
      if (request.url === "/quick") response.end("quick");
    });
    await db.sql.begin(async (transaction) => {
      await transaction`select net.http_post(${`${address}/slow`}, timeout_milliseconds := 3000)`;
      await transaction`select net.http_post(${`${address}/quick`})`;
    });
    await until(() => received.length === 2);
    expect(await db.sql`select from net._http_response`).toHaveLength(0);
    const [slow, quick] = await responses(2);
    expect(slow).toMatchObject({ timed_out: true, status_code: null });
    expect(slow?.error_msg).toContain("Timeout of 3000 ms reached");
    expect(quick).toMatchObject({ timed_out: false, content: "quick" });
  });

  it("takes at most 200 requests at once and begins the next batch only when the first is recorded", async () => {
    const held: ServerResponse[] = [];
    bench.answers((_request, response) => void held.push(response));
    await db.sql`select net.http_get(${`${address}/n`}) from generate_series(1, 230)`;
    await until(() => held.length === 200);
    await sleep(300);
    expect(held).toHaveLength(200);
    bench.answers((_request, response) => response.end());
    for (const response of held) response.end();
    await responses(230);
  });

  it("deletes answers older than six hours while it works", async () => {
    await db.admin`insert into net._http_response (id, created) values (1001, now() - interval '7 hours'), (1002, now() - interval '5 hours')`;
    await db.sql`select net.http_get(${address})`;
    await until(async () => (await db.sql`select from net._http_response where id = 1001`).length === 0);
    expect(await db.sql`select from net._http_response where id = 1002`).toHaveLength(1);
  });

  it("sends a batch again when it was cut off in the middle, and says that it is up", async () => {
    await db.sql`select net.wait_until_running()`;
    bench.answers(() => {});
    await db.sql`select net.http_get(${`${address}/cut`})`;
    await until(() => received.length === 1);
    bench.answers((_request, response) => response.end());
    await db.admin`select net.worker_restart()`;
    await responses(1);
    expect(received.map((request) => request.url)).toEqual(["/cut", "/cut"]);
  });
});

async function responses(count: number) {
  await until(async () => (await db.sql`select from net._http_response`).length === count);
  return db.sql`select id, status_code, content_type, content, timed_out, error_msg from net._http_response order by id`;
}
