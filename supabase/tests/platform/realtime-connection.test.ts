import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { ClientConnection } from "../../local/realtime/client-connection.ts";
import type { RealtimeService } from "../../local/realtime/realtime-service.ts";
import { listen, RealtimeHarness, until } from "./realtime-harness.ts";

const harness = new RealtimeHarness();
let id = 0;

beforeAll(() => harness.start());
afterAll(async () => {
  await harness.stop();
  expect(harness.lines).toEqual([]); // no change was lost, no policy failed
});

async function insert(owner: string): Promise<number> {
  id += 1;
  await harness.db.sql`insert into public.notes (id, owner) values (${id}, ${owner})`;
  return id;
}

const ANONYMOUS = { role: "anon", claims: "{}", subject: "", expiresAt: Number.POSITIVE_INFINITY } as const;

/** A client's WebSocket and the server's end of it. */
async function pair() {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [[socket]] = (await Promise.all([once(server, "connection"), once(client, "open")])) as [[WebSocket], unknown];
  return { client, socket, server };
}

describe("a connection", () => {
  it("answers heartbeats", async () => {
    const { socket, frames } = await harness.socket();
    socket.send(JSON.stringify([null, "9", "phoenix", "heartbeat", {}]));
    await until(() => frames.length === 1);
    expect(frames[0]).toEqual([null, "9", "phoenix", "phx_reply", { status: "ok", response: {} }]);
    socket.terminate();
  });

  it("carries several channels, each with its own requests", async () => {
    const client = await harness.client(harness.ann);
    const notes = await listen(client, [{ table: "notes" }], "first");
    const open = await listen(client, [{ table: "open_notes" }], "second");
    await harness.db.sql`insert into public.open_notes values (1, 'x', 'y')`;
    await insert(harness.ann);
    await until(() => notes.heard.length === 1 && open.heard.length === 1);
    expect([notes.heard[0]?.table, open.heard[0]?.table]).toEqual(["notes", "open_notes"]);
  });

  it("tells a left channel nothing more, and the others go on", async () => {
    const client = await harness.client(harness.ann);
    const left = await listen(client, [{}], "left");
    const kept = await listen(client, [{}], "kept");
    expect(await left.channel.unsubscribe()).toBe("ok");
    expect(left.statuses.at(-1)).toBe("CLOSED");
    await insert(harness.ann);
    await until(() => kept.heard.length === 1);
    expect(left.heard).toHaveLength(0);
  });

  it("is ended after a minute of silence, and not before", async () => {
    const { client, socket, server } = await pair();
    const connection = new ClientConnection(socket, "2.0.0", ANONYMOUS, {} as RealtimeService);
    connection.endIfSilent(Date.now() + 55_000);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    connection.endIfSilent(Date.now() + 61_000);
    await once(client, "close");
    server.close();
  });

  it("whose message can't be handled is ended, and the console is told why", async () => {
    const lines: string[] = [];
    const broken = {
      identities: { ofToken: () => Promise.reject(new Error("no secret")) },
      log: (line: string) => lines.push(line),
    };
    const { client, socket, server } = await pair();
    new ClientConnection(socket, "2.0.0", ANONYMOUS, broken as unknown as RealtimeService);
    client.send(JSON.stringify(["1", "1", "realtime:x", "phx_join", { access_token: "a.b.c" }]));
    await once(client, "close");
    expect(lines).toEqual(["realtime: phx_join of realtime:x: no secret; the client is disconnected"]);
    server.close();
  });

  it("whose join fails later has its channel closed, and the console is told why", async () => {
    const lines: string[] = [];
    const broken = {
      identities: { ofKey: () => ANONYMOUS },
      channels: new Set(),
      hub: { remove: () => {} },
      objectionTo: () => Promise.reject(new Error("out of memory")),
      log: (line: string) => lines.push(line),
    };
    const { client, socket, server } = await pair();
    new ClientConnection(socket, "2.0.0", ANONYMOUS, broken as unknown as RealtimeService);
    const frames: unknown[][] = [];
    client.on("message", (data) => frames.push(JSON.parse(String(data))));
    const config = { postgres_changes: [{ event: "*", schema: "public", table: "notes" }] };
    client.send(JSON.stringify(["1", "1", "realtime:x", "phx_join", { config }]));
    await until(() => frames.some((frame) => frame[3] === "phx_close"));
    expect(lines).toEqual(["realtime: the join of realtime:x: out of memory; the channel is closed"]);
    client.terminate();
    server.close();
  });

  it("is closed when it sends garbage", async () => {
    const { socket } = await harness.socket();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.send("}{");
    expect(await closed).toBe(1003);
  });
});
