import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "../support/database.ts";

const ORDER = "7b0b9a7e-4f5f-4c60-8c6c-0a2a0d8a6b11";

describe("the paper exchange's storage", () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await testDatabase();
  });
  afterAll(() => db.drop());

  const load = async (ids: string[]) =>
    (await db.as("service_role")`select public.paper_exchange_load(${ids}::uuid[]) as answer`)[0]?.answer;
  const save = async (version: number, state: object, closed: object = {}) => {
    const sql = db.as("service_role");
    const [row] =
      await sql`select public.paper_exchange_save(${version}, ${sql.json(state as never)}, ${sql.json(closed as never)}) as answer`;
    return row?.answer;
  };

  it("starts empty, keeps state and closed orders, and gives back the closed ones that are asked for", async () => {
    expect(await load([])).toEqual({ version: 0, state: null, closed_orders: {} });
    expect(await save(0, { cash: "2000.000000000000000001" }, { [ORDER]: { status: "filled" } })).toEqual({
      saved: true,
      version: 1,
    });
    expect(await load([])).toEqual({ version: 1, state: { cash: "2000.000000000000000001" }, closed_orders: {} });
    expect((await load([ORDER])).closed_orders).toEqual({ [ORDER]: { status: "filled" } });
  });

  it("lets one of two writers win, and tells the other the version there is", async () => {
    const answers = await Promise.all([save(1, { cash: "1" }), save(1, { cash: "2" })]);
    expect(answers.map(({ saved }) => saved).sort()).toEqual([false, true]);
    expect(answers.map(({ version }) => version)).toEqual([2, 2]);
    expect(await save(1, { cash: "3" }, { [ORDER]: { status: "gone" } })).toEqual({ saved: false, version: 2 });
    expect((await load([ORDER])).closed_orders).toEqual({ [ORDER]: { status: "filled" } });
  });

  it("is out of the engine's reach: the broker's books can't be written by the one they check", async () => {
    await expect(
      db.sql.begin(async (sql) => {
        await sql`set local role zoe_engine`;
        await sql`update paper_exchange.book set state = '{}' where one`;
      }),
    ).rejects.toMatchObject({ code: "42501" });
  });
});
