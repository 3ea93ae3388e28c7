import { afterEach, describe, expect, it } from "vitest";
import { restRpc } from "./rpc.ts";
import { reply, startTestServer, type TestServer } from "./test-server.ts";

let server: TestServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

const answered = async (status: number, body: unknown, key = "sb_secret_a") => {
  server = await startTestServer((_, response) => reply(response, status, body));
  return restRpc(server.url, key)("begin_tick", { name: "trader-tick", slot: null });
};

describe("the database over REST", () => {
  it("is called by name with named arguments, the key as apikey only", async () => {
    expect(await answered(200, { outcome: "skipped" })).toEqual({ outcome: "skipped" });
    expect(server?.seen[0]).toMatchObject({ method: "POST", path: "/rest/v1/rpc/begin_tick" });
    expect(JSON.parse(server?.seen[0]?.body ?? "")).toEqual({ name: "trader-tick", slot: null });
    expect(server?.seen[0]?.headers.apikey).toBe("sb_secret_a");
    expect(server?.seen[0]?.headers.authorization).toBeUndefined();
  });

  it("takes a legacy key as bearer too", async () => {
    await answered(200, {}, "eyJ.legacy.key");
    expect(server?.seen[0]?.headers.authorization).toBe("Bearer eyJ.legacy.key");
  });

  it("tells a lost lease, a refusal and no definite answer apart", async () => {
    await expect(answered(409, { code: "PT409", message: "lease_lost", details: "run x" })).rejects.toMatchObject({
      code: "lease_lost",
    });
    await server?.close();
    const refused = answered(400, { code: "PT400", message: "bad_knob", details: "MAX_NOTIONAL_PER_TRADE" });
    await expect(refused).rejects.toMatchObject({
      code: "refused",
      message: "begin_tick: bad_knob (MAX_NOTIONAL_PER_TRADE) [PT400]",
    });
    await server?.close();
    await expect(answered(500, { code: "SUP", message: "a raise without a code" })).rejects.toMatchObject({
      code: "refused",
    });
    await server?.close();
    for (const code of ["40P01", "57014", "PGRST001"]) {
      await expect(answered(503, { code, message: "x" })).rejects.toMatchObject({ code: "unavailable" });
      await server?.close();
    }
    await expect(answered(502, "bad gateway")).rejects.toMatchObject({ code: "unavailable" });
    await server?.close();
    await expect(restRpc(server?.url ?? "", "k")("begin_tick", {})).rejects.toMatchObject({ code: "unavailable" });
  });

  it.each([
    ["a gateway's throttle", 429, { message: "API rate limit exceeded" }],
    ["a gateway's refused key", 401, { message: "Invalid API key" }],
    ["a gateway's error with a number for a code", 503, { code: 503, message: "x" }],
    ["a redirect", 308, ""],
    ["a page instead of JSON", 200, "<html>"],
    ["half an answer", 200, '{"again": tr'],
    ["an empty success", 204, ""],
  ])("takes %s for no definite answer: the database may have written or not", async (_, status, body) => {
    await expect(answered(status, body)).rejects.toMatchObject({ code: "unavailable" });
  });
});
