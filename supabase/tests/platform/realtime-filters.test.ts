import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { listen, RealtimeHarness, until } from "./realtime-harness.ts";

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

describe("a filter", () => {
  it.each([
    ["qty=eq.5", [5]],
    ["qty=neq.5", [1, 9]],
    ["qty=lt.5", [1]],
    ["qty=lte.5", [1, 5]],
    ["qty=gt.5", [9]],
    ["qty=gte.5", [5, 9]],
    ["qty=in.(1,9)", [1, 9]],
    ["qty=not.in.(1,9)", [5]],
    ["qty=not.eq.5", [1, 9]],
    ["qty=isdistinct.1", [5, 9]],
    ["body=like.b%", [5]],
    ["body=ilike.B%", [5]],
    ["body=match.^[ab]", [1, 5]],
    ["body=not.imatch.^[AB]", [9]],
    ["done=is.true", [5]],
    ["done=is.null", [9]],
    ["done=not.is.null", [1, 5]],
    ["price=gt.0.1000000000000000001", [9]],
    ['body=in.("b, and (more)",c)', [5, 9]],
    ["qty=gt.1,qty=lt.9", [5]],
  ])("%s lets through %j", async (filter, expected) => {
    const { heard, channel } = await listen(await harness.client(harness.ann), [
      { event: "INSERT", filter },
      { event: "DELETE", filter: `id=eq.${id + 3}` },
    ]);
    await insert({ id, owner: harness.ann, qty: 1, body: "a", done: false, price: "0.1" });
    await insert({
      id: id + 1,
      owner: harness.ann,
      qty: 5,
      body: "b, and (more)",
      done: true,
      price: "0.1000000000000000001",
    });
    await insert({ id: id + 2, owner: harness.ann, qty: 9, body: "c", done: null, price: "0.1000000000000000002" });
    await insert({ id: id + 3, owner: harness.bob });
    await harness.db.sql`delete from public.notes where id = ${id + 3}`;
    await until(() => heard.some((event) => event.eventType === "DELETE"));
    expect(heard.filter((event) => event.eventType === "INSERT").map((event) => event.new.qty)).toEqual(expected);
    await channel.unsubscribe();
  });

  it("applies to the new row of an update and, for a deletion, to the key", async () => {
    const { heard } = await listen(await harness.client(harness.ann), [
      { filter: `qty=eq.2` },
      { event: "DELETE", filter: `id=eq.${id}` },
    ]);
    await insert({ id, owner: harness.ann, qty: 1 });
    await harness.db.sql`update public.notes set qty = 2 where id = ${id}`;
    await harness.db.sql`update public.notes set qty = 3 where id = ${id}`;
    await until(() => heard.length === 1);
    await harness.db.sql`delete from public.notes where id = ${id}`;
    await until(() => heard.some((event) => event.eventType === "DELETE"));
    expect(heard.map((event) => [event.eventType, event.new.qty])).toEqual([
      ["UPDATE", 2],
      ["DELETE", undefined],
    ]);
  });

  it.each([
    ["nothing=eq.1", "nothing"],
    ["secret=eq.1", "secret"],
    ["qty=eq.five", "five"],
    ["qty=about.5", "qty=about.5"],
    ["body=match.(", "parenthes"],
    [`qty=in.(${Array.from({ length: 101 }, (_, n) => n).join(",")})`, "100 values"],
  ])("%s is refused with a reason", async (filter, named) => {
    const { system, heard } = await listen(await harness.client(harness.ann), [{ filter }]);
    expect(system[0]).toMatchObject({ extension: "postgres_changes", status: "error" });
    expect(String(system[0]?.message)).toContain(named);
    await insert({ id, owner: harness.ann, qty: 5 });
    expect(heard).toHaveLength(0);
  });
});
