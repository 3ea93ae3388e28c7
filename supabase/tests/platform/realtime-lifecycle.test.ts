import { spawn } from "node:child_process";
import { createConnection } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listen, PUBLISHABLE_KEY, RealtimeHarness, until } from "./realtime-harness.ts";

let harness: RealtimeHarness;
let stopped: boolean;

beforeEach(async () => {
  harness = new RealtimeHarness();
  stopped = false;
  await harness.start();
});
afterEach(async () => {
  if (!stopped) await harness.stop();
});

const slots = () => harness.db.admin<{ temporary: boolean; active_pid: number }[]>`
  select temporary, active_pid from pg_replication_slots where database = current_database()`;

describe("the replication slot", () => {
  it("is temporary, and gone when the server has stopped", async () => {
    await listen(await harness.client(harness.ann), [{}]);
    expect(await slots()).toMatchObject([{ temporary: true }]);
    await harness.realtime.stop();
    expect(await slots()).toHaveLength(0);
    await until(
      async () =>
        (
          await harness.db
            .admin`select from pg_stat_activity where datname = current_database() and application_name like 'supabase_realtime%'`
        ).length === 0,
    );
    await harness.db.drop();
    stopped = true;
  });

  it("goes with the process, however that ends", async () => {
    await listen(await harness.client(harness.ann), [{}]);
    const server = new URL("../../local/realtime/realtime-server.ts", import.meta.url).href;
    const options = {
      databaseUrl: harness.db.url("supabase_admin"),
      jwtSecret: "s",
      publishableKey: "p",
      secretKey: "k",
    };
    const program = `const { createRealtime } = await import("${server}");
      await createRealtime({ ...${JSON.stringify(options)}, log() {} });`;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program], {
      stdio: "ignore",
    });
    await until(async () => (await slots()).length === 2);
    child.kill("SIGKILL");
    await until(async () => (await slots()).length === 1);
  });

  it("is made anew when the database ends the connections, and clients are told to look again", async () => {
    const { heard, system } = await listen(await harness.client(harness.ann), [{}]);
    const [before] = await slots();
    await harness.db
      .admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'supabase_realtime%'`;
    await until(() => system.length === 2);
    expect(system[1]).toMatchObject({ extension: "postgres_changes", status: "ok" });
    await harness.db.sql`insert into public.notes (id, owner) values (1, ${harness.ann})`;
    await until(() => heard.length === 1);
    const [after] = await slots();
    expect(after?.active_pid).not.toBe(before?.active_pid);
  });

  it("waits for the publication when there is none", async () => {
    const before = await listen(await harness.client(harness.ann), [{}]);
    await harness.db.sql`drop publication supabase_realtime`;
    await harness.db.sql`insert into public.notes (id, owner) values (1, ${harness.ann})`;
    await until(() => harness.lines.length > 0);
    await harness.db.sql`create publication supabase_realtime for table public.notes`;
    const after = await listen(await harness.client(harness.ann), [{}]);
    await harness.db.sql`insert into public.notes (id, owner) values (2, ${harness.ann})`;
    await until(() => before.heard.length === 1 && after.heard.length === 1);
  });
});

describe("a client that does not read", () => {
  it("is cut off and never holds up the others", async () => {
    const dead = createConnection(harness.port, "127.0.0.1");
    dead.on("error", () => {});
    let gone = false;
    dead.once("close", () => {
      gone = true;
    });
    dead.write(
      `GET /realtime/v1/websocket?apikey=${PUBLISHABLE_KEY}&vsn=2.0.0 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    );
    const answers: string[] = [];
    dead.on("data", (data) => answers.push(data.toString()));
    await until(() => answers.join("").includes("101 Switching"));
    const config = { postgres_changes: [{ event: "*", schema: "public", table: "notes" }] };
    dead.write(
      maskedFrame(
        JSON.stringify([
          "1",
          "1",
          "realtime:dead",
          "phx_join",
          { config, access_token: await harness.token(harness.ann) },
        ]),
      ),
    );
    await until(() => answers.join("").includes("Subscribed to PostgreSQL"));
    dead.pause();

    const { heard } = await listen(await harness.client(harness.ann), [{}]);
    for (let id = 1; id <= 30; id += 1) {
      await harness.db
        .sql`insert into public.notes (id, owner, huge) values (${id}, ${harness.ann}, repeat('x', 900000))`;
    }
    await until(() => heard.length === 30);
    expect(heard.map((event) => event.new.id)).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
    dead.resume();
    await until(() => gone);
  });

  it("that vanishes in the middle of a burst costs the others nothing", async () => {
    const { socket, frames } = await harness.socket();
    const config = { postgres_changes: [{ event: "*", schema: "public", table: "notes" }] };
    socket.send(
      JSON.stringify(["1", "1", "realtime:v", "phx_join", { config, access_token: await harness.token(harness.ann) }]),
    );
    await until(() => frames.some((frame) => frame[3] === "system"));
    const { heard } = await listen(await harness.client(harness.ann), [{}]);
    const burst = harness.db
      .sql`insert into public.notes (id, owner) select n, ${harness.ann} from generate_series(1, 500) as n`.execute();
    await until(() => frames.length > 5);
    socket.terminate();
    await burst;
    await until(() => heard.length === 500);
    await sleep(100);
    expect(heard.map((event) => event.new.id)).toEqual(Array.from({ length: 500 }, (_, n) => n + 1));
  });
});

/** Writes a text as one masked WebSocket frame, for a client that is a bare socket. */
function maskedFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = 0x81;
  header[1] = 0x80 | 126;
  header.writeUInt16BE(payload.length, 2);
  return Buffer.concat([header, payload]); // the mask is four zero bytes
}
