import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { listen, RealtimeHarness, SECRET_KEY, until } from "./realtime-harness.ts";

const harness = new RealtimeHarness();
let nextId = 1;
let id: number;

beforeAll(() => harness.start());
afterAll(async () => {
  await harness.stop();
  expect(harness.lines).toEqual([]); // no change was lost, no policy failed
});
beforeEach(() => {
  id = nextId;
  nextId += 100;
});

const insert = (row: Record<string, unknown>) => harness.db.sql`insert into public.notes ${harness.db.sql(row)}`;

describe("postgres_changes", () => {
  it("tells INSERT, UPDATE and DELETE with the row, in the order of the commits", async () => {
    const { heard } = await listen(await harness.client(harness.ann), [{}]);
    await harness.db.sql`
      insert into public.notes (id, owner, body, qty, tags, doc, at)
      values (${id}, ${harness.ann}, 'one', 3, '{a,b}', '{"k": [1]}', '2026-03-01 12:00:00.123456+00')`;
    await harness.db.sql`update public.notes set body = 'two' where id = ${id}`;
    await until(() => heard.length === 2); // a row that is gone can't be checked any more, so its update would stay untold
    await harness.db.sql`delete from public.notes where id = ${id}`;
    await until(() => heard.length === 3);
    expect(heard.map((event) => event.eventType)).toEqual(["INSERT", "UPDATE", "DELETE"]);
    expect(heard[0]).toMatchObject({ table: "notes", schema: "public", errors: null, old: {} });
    expect(heard[0]?.new).toEqual({
      id,
      owner: harness.ann,
      body: "one",
      price: null,
      qty: 3,
      done: null,
      tags: ["a", "b"],
      doc: { k: [1] },
      at: "2026-03-01T12:00:00.123456+00:00",
      huge: null,
      doubled: 6,
    });
    expect(heard[1]).toMatchObject({ new: { id, body: "two" }, old: { id } });
    expect(heard[2]).toMatchObject({ new: {}, old: { id } });
    expect(Object.keys(heard[2]?.old ?? {})).toEqual(["id"]);
  });

  it("never tells one person another's rows", async () => {
    const ann = await listen(await harness.client(harness.ann), [{}]);
    const bob = await listen(await harness.client(harness.bob), [{}]);
    await insert({ id, owner: harness.bob, body: "bob's" });
    await insert({ id: id + 1, owner: harness.ann, body: "ann's" });
    await harness.db.sql`update public.notes set body = 'still bob''s' where id = ${id}`;
    await insert({ id: id + 2, owner: harness.ann, body: "last" });
    await insert({ id: id + 3, owner: harness.bob, body: "last" });
    await until(() => ann.heard.length >= 2 && bob.heard.length >= 3);
    expect(ann.heard.map((event) => event.new.body)).toEqual(["ann's", "last"]);
    expect(bob.heard.map((event) => event.new.body)).toEqual(["bob's", "still bob's", "last"]);
  });

  it("tells a role without the privilege nothing of a row, and the secret key everything", async () => {
    const nobody = await listen(await harness.client(), [{}]);
    const service = await listen(await harness.client(undefined, { key: SECRET_KEY }), [{}]);
    await insert({ id, owner: harness.bob, body: "hidden", secret: "s" });
    await until(() => nobody.heard.length === 1 && service.heard.length === 1);
    expect(nobody.heard[0]).toMatchObject({ new: {}, old: {}, errors: ["Error 401: Unauthorized"] });
    expect(service.heard[0]?.new).toMatchObject({ body: "hidden", secret: "s" });
  });

  it("leaves out columns the role may not read", async () => {
    const { heard } = await listen(await harness.client(harness.ann), [{}]);
    await insert({ id, owner: harness.ann, secret: "not for ann" });
    await until(() => heard.length === 1);
    expect(heard[0]?.new).not.toHaveProperty("secret");
    expect(JSON.stringify(heard)).not.toContain("not for ann");
  });

  it("sends the columns that were asked for only", async () => {
    const { heard } = await listen(await harness.client(harness.ann), [{ select: ["id", "qty"] }]);
    await insert({ id, owner: harness.ann, body: "long", qty: 1 });
    await until(() => heard.length === 1);
    expect(heard[0]?.new).toEqual({ id, qty: 1 });
  });

  it("writes numbers on the wire with every digit", async () => {
    const { socket, frames } = await harness.socket();
    const config = { postgres_changes: [{ event: "INSERT", schema: "public", table: "notes" }] };
    socket.send(
      JSON.stringify([
        "1",
        "1",
        "realtime:wire",
        "phx_join",
        { config, access_token: await harness.token(harness.ann) },
      ]),
    );
    await until(() => frames.some((frame) => frame[3] === "system"));
    const texts: string[] = [];
    socket.on("message", (data) => texts.push(String(data)));
    await insert({ id, owner: harness.ann, price: "12345678901234567890.12345678900" });
    await until(() => texts.length > 0);
    expect(texts[0]).toContain('"price":12345678901234567890.12345678900,');
    socket.terminate();
  });

  it("sends a large value that an update did not touch", async () => {
    const huge = "x".repeat(20_000);
    await insert({ id, owner: harness.ann, huge });
    const { heard } = await listen(await harness.client(harness.ann), [{ event: "UPDATE" }]);
    await harness.db.sql`update public.notes set qty = 1 where id = ${id}`;
    await until(() => heard.length === 1);
    expect(heard[0]?.new.huge).toBe(huge);
  });

  it("cuts a row of more than a megabyte down to its small values and says so", async () => {
    const { heard } = await listen(await harness.client(harness.ann), [{}]);
    await insert({ id, owner: harness.ann, body: "short", huge: "x".repeat(1_100_000) });
    await until(() => heard.length === 1);
    expect(heard[0]?.errors).toEqual(["Error 413: Payload Too Large"]);
    expect(heard[0]?.new).toMatchObject({ id, body: "short" });
    expect(heard[0]?.new).not.toHaveProperty("huge");
  });

  it("says that a table without a primary key can't be told", async () => {
    const { heard } = await listen(await harness.client(harness.ann), [{ table: "keyless" }]);
    await harness.db.sql`insert into public.keyless values ('x')`;
    await until(() => heard.length === 1);
    expect(heard[0]).toMatchObject({ new: {}, errors: ["Error 400: Bad Request, no primary key"] });
  });

  it("follows a table whose columns and policies change", async () => {
    const { heard } = await listen(await harness.client(harness.ann), [{}]);
    await harness.db.sql`alter table public.notes add column added text default 'new'`;
    await harness.db.sql`grant select (added) on public.notes to authenticated`;
    await insert({ id, owner: harness.ann });
    await until(() => heard.length === 1);
    expect(heard[0]?.new.added).toBe("new");
    await harness.db.sql`alter table public.notes drop column added`;
    await insert({ id: id + 1, owner: harness.ann });
    await until(() => heard.length === 2);
    expect(heard[1]?.new).not.toHaveProperty("added");
  });

  it("hears every published table of the schema without a table name", async () => {
    const { heard } = await listen(await harness.client(harness.ann), [{ table: "*" }]);
    await harness.db.sql`insert into public.open_notes values (${id}, 'x', 'open')`;
    await insert({ id, owner: harness.ann });
    await until(() => heard.length === 2);
    expect(heard.map((event) => event.table)).toEqual(["open_notes", "notes"]);
  });

  it("checks a key of several columns, quotes included", async () => {
    const { heard } = await listen(await harness.client(harness.ann), [{ table: "open_notes" }]);
    await harness.db.sql`alter table public.open_notes enable row level security`;
    await harness.db.sql`create policy "all but private" on public.open_notes for select using (body <> 'private')`;
    await harness.db
      .sql`insert into public.open_notes values (${id}, 'it''s \\ "x"', 'private'), (${id}, 'it''s \\ "y"', 'public')`;
    await until(() => heard.length === 1);
    expect(heard[0]?.new.b).toBe(`it's \\ "y"`);
    await harness.db.sql`alter table public.open_notes disable row level security`;
  });

  it("hears only the kind of event that was asked for", async () => {
    const { heard } = await listen(await harness.client(harness.ann), [{ event: "UPDATE" }, { event: "DELETE" }]);
    await insert({ id, owner: harness.ann });
    await harness.db.sql`update public.notes set qty = 1 where id = ${id}`;
    await until(() => heard.length === 1);
    await harness.db.sql`delete from public.notes where id = ${id}`;
    await until(() => heard.length === 2);
    expect(heard.map((event) => event.eventType)).toEqual(["UPDATE", "DELETE"]);
  });
});
