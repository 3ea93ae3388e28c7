import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WebSocket } from "ws";
import { listen, PUBLISHABLE_KEY, RealtimeHarness, until } from "./realtime-harness.ts";

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

describe("the join", () => {
  it("is answered with the same requests in the same order, then with the system message", async () => {
    const { socket, frames } = await harness.socket();
    const changes = [
      { event: "UPDATE", schema: "public", table: "notes", filter: "qty=eq.1" },
      { event: "INSERT", schema: "public", table: "open_notes" },
      { event: "*", schema: "public" },
    ];
    await join(socket, "realtime:dash", { postgres_changes: changes }, harness.ann);
    await until(() => frames.length === 2);
    const [reply, system] = frames;
    expect(reply?.slice(0, 4)).toEqual(["1", "1", "realtime:dash", "phx_reply"]);
    const { response } = (reply ?? [])[4] as { response: { postgres_changes: { id: number }[] } };
    const answered = response.postgres_changes;
    expect(answered.map(({ id: _, ...request }) => request)).toEqual(changes);
    expect(new Set(answered.map((request) => request.id)).size).toBe(3);
    expect(answered.every((request) => Number.isInteger(request.id) && request.id > 0)).toBe(true);
    expect(system).toEqual([
      "1",
      null,
      "realtime:dash",
      "system",
      { extension: "postgres_changes", status: "ok", message: "Subscribed to PostgreSQL", channel: "dash" },
    ]);
    socket.terminate();
  });

  it("waits for the changes to flow when the client asks for it", async () => {
    const { statuses, system, heard } = await listen(await harness.client(harness.ann), [{}], "waiting", {
      postgres_changes_options: { wait: true },
    });
    expect(statuses).toEqual(["SUBSCRIBED"]);
    expect(system[0]?.status).toBe("ok");
    await insert(harness.ann);
    await until(() => heard.length === 1);
  });

  it("that waits is refused for a table that is not published", async () => {
    const { statuses, errors } = await listen(
      await harness.client(harness.ann),
      [{ table: "unpublished" }],
      "refused",
      {
        postgres_changes_options: { wait: true },
      },
    );
    expect(statuses).toEqual(["CHANNEL_ERROR"]);
    expect(errors[0]).toContain("RealtimeDisabledForConfiguration");
  });

  it("of a table that is not published is followed by a system error", async () => {
    const { statuses, system } = await listen(await harness.client(harness.ann), [{ table: "unpublished" }]);
    expect(statuses).toEqual(["SUBSCRIBED"]);
    expect(system[0]).toMatchObject({ status: "error", extension: "postgres_changes" });
    expect(String(system[0]?.message)).toContain("table: unpublished");
  });

  it("of another client version speaks version 1.0.0", async () => {
    const { heard } = await listen(await harness.client(harness.ann, { vsn: "1.0.0" }), [{}]);
    const noted = await insert(harness.ann);
    await until(() => heard.length === 1);
    expect(heard[0]?.new.id).toBe(noted);
  });

  it("with a forged or an old token is refused", async () => {
    const good = await harness.token(harness.ann);
    const forged = `${good.slice(0, -6)}AAAAAA`;
    for (const [token, reason] of [
      [forged, "JwtSignatureError"],
      [await harness.token(harness.ann, -10), "Token has expired"],
      [await harness.token(harness.ann, 60, "supabase_admin"), "InvalidJWTToken"],
    ] as const) {
      const { socket, frames } = await harness.socket();
      socket.send(JSON.stringify(["1", "1", "realtime:x", "phx_join", { config: {}, access_token: token }]));
      await until(() => frames.length === 1);
      expect(frames[0]?.[4]).toMatchObject({ status: "error", response: { reason: expect.stringContaining(reason) } });
      socket.terminate();
    }
  });

  it("needs a key of this project and a known version", async () => {
    await expect(harness.socket("apikey=sb_publishable_wrong&vsn=2.0.0")).rejects.toThrow("401");
    await expect(harness.socket(`apikey=${PUBLISHABLE_KEY}&vsn=3.0.0`)).rejects.toThrow("400");
  });

  it("again on the same topic replaces the first", async () => {
    const { socket, frames } = await harness.socket();
    await join(socket, "realtime:again", {}, harness.ann);
    await until(() => frames.length === 1);
    socket.send(JSON.stringify(["2", "2", "realtime:again", "phx_join", { config: {} }]));
    await until(() => frames.length === 3);
    expect(frames[1]).toEqual(["1", "1", "realtime:again", "phx_close", {}]);
    expect(frames[2]?.slice(0, 4)).toEqual(["2", "2", "realtime:again", "phx_reply"]);
    socket.terminate();
  });
});

describe("a session token", () => {
  it("that ends closes the channel with a system error", async () => {
    const client = await harness.client(undefined, { token: await harness.token(harness.ann, 5) });
    const { system, statuses, heard } = await listen(client, [{}]);
    await until(() => statuses.includes("CLOSED"));
    expect(system.at(-1)).toMatchObject({ extension: "system", status: "error" });
    expect(String(system.at(-1)?.message)).toContain("Token has expired");
    await insert(harness.ann);
    await sleep(200);
    expect(heard).toHaveLength(0);
  });

  it("that is renewed in time keeps the channel open", async () => {
    const client = await harness.client(undefined, { token: await harness.token(harness.ann, 6) });
    const { statuses, heard } = await listen(client, [{}]);
    await client.realtime.setAuth(await harness.token(harness.ann, 3600));
    await sleep(6_500);
    expect(statuses).toEqual(["SUBSCRIBED"]);
    await insert(harness.ann);
    await until(() => heard.length === 1);
  });

  it("of another person changes whose rows are told", async () => {
    const client = await harness.client(harness.ann);
    const { heard } = await listen(client, [{ event: "INSERT" }]);
    await client.realtime.setAuth(await harness.token(harness.bob));
    await listen(client, [{}], "joined after the new token was sent"); // frames are handled in order
    await insert(harness.ann);
    const bobs = await insert(harness.bob);
    await until(() => heard.length === 1);
    expect(heard[0]?.new.id).toBe(bobs);
  });

  it("that is forged closes the channel; an API key in its place is ignored", async () => {
    const { socket, frames } = await harness.socket();
    await join(socket, "realtime:renew", {}, harness.ann);
    await until(() => frames.length === 1);
    socket.send(JSON.stringify(["1", "2", "realtime:renew", "access_token", { access_token: PUBLISHABLE_KEY }]));
    socket.send(JSON.stringify(["1", "3", "realtime:renew", "access_token", { access_token: null }]));
    socket.send(JSON.stringify(["1", "4", "realtime:renew", "access_token", { access_token: "a.b.c" }]));
    await until(() => frames.length === 3);
    expect(frames[1]?.[4]).toMatchObject({
      extension: "system",
      status: "error",
      message: expect.stringContaining("JwtSignatureError"),
    });
    expect(frames[2]).toEqual(["1", "1", "realtime:renew", "phx_close", {}]);
    socket.terminate();
  });
});

describe("a broadcast", () => {
  it("reaches the others of the topic and is acknowledged when asked", async () => {
    const [sender, hearer, old] = [
      await harness.client(),
      await harness.client(),
      await harness.client(undefined, { vsn: "1.0.0" }),
    ];
    const heard: unknown[] = [];
    for (const client of [hearer, old]) {
      const channel = client
        .channel("room")
        .on("broadcast", { event: "say" }, (message) => heard.push(message.payload));
      await new Promise((resolve) => channel.subscribe((status) => status === "SUBSCRIBED" && resolve(status)));
    }
    const channel = sender.channel("room", { config: { broadcast: { ack: true, self: false } } });
    channel.on("broadcast", { event: "say" }, () => heard.push("own"));
    await new Promise((resolve) => channel.subscribe((status) => status === "SUBSCRIBED" && resolve(status)));
    expect(await channel.send({ type: "broadcast", event: "say", payload: { text: "grüezi" } })).toBe("ok");
    await until(() => heard.length === 2);
    expect(heard).toEqual([{ text: "grüezi" }, { text: "grüezi" }]);
  });
});

async function join(socket: WebSocket, topic: string, config: Record<string, unknown>, subject: string): Promise<void> {
  socket.send(JSON.stringify(["1", "1", topic, "phx_join", { config, access_token: await harness.token(subject) }]));
}
