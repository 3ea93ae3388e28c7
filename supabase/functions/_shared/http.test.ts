import { describe, expect, it } from "vitest";
import { corsHeaders, readJsonObject } from "./http.ts";

const post = (body: BodyInit | null) =>
  new Request("http://x/", { method: "POST", body, duplex: "half" } as RequestInit);

describe("CORS", () => {
  const allowed = ["http://127.0.0.1:5180", "https://*.netlify.app"];

  it("lets the dashboard's origin and its previews in", () => {
    for (const origin of ["http://127.0.0.1:5180", "https://zoe.netlify.app", "https://preview--zoe.netlify.app"]) {
      expect(corsHeaders(origin, allowed)["access-control-allow-origin"]).toBe(origin);
    }
  });

  it("lets nobody else in", () => {
    for (const origin of [
      "https://evil.example",
      "http://zoe.netlify.app",
      "https://netlify.app",
      "https://evilnetlify.app",
      "null",
      null,
    ]) {
      expect(corsHeaders(origin, allowed)["access-control-allow-origin"]).toBeUndefined();
    }
    expect(corsHeaders("http://127.0.0.1:5180", [])["access-control-allow-origin"]).toBeUndefined();
  });
});

describe("a request's body", () => {
  it("may be empty or a JSON object", async () => {
    expect(await readJsonObject(post(null))).toEqual({ ok: true, value: {} });
    expect(await readJsonObject(post('{"trigger":"cron"}'))).toEqual({ ok: true, value: { trigger: "cron" } });
  });

  it("is refused when it is anything else", async () => {
    for (const body of ["[]", "null", "7", "{", "x"]) {
      expect(await readJsonObject(post(body))).toMatchObject({ ok: false, error: { status: 400, code: "bad_body" } });
    }
  });

  it("is refused above 16 KiB although it names no length", async () => {
    const endless = new ReadableStream<Uint8Array>({ pull: (stream) => stream.enqueue(new Uint8Array(1024).fill(32)) });
    expect(await readJsonObject(post(endless))).toMatchObject({ ok: false, error: { status: 413 } });
    expect(await readJsonObject(post(`"${"x".repeat(20_000)}"`))).toMatchObject({ ok: false, error: { status: 413 } });
  });
});
