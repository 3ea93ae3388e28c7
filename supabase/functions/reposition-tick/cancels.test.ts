import { describe, expect, it } from "vitest";
import type { Broker } from "../../../shared/broker/port.ts";
import { success } from "../../../shared/result.ts";
import { readClaimedOrder } from "../_shared/wire/claimed-order.ts";
import type { Json } from "../_shared/wire/write.ts";
import { error, NOW, order, quote, refused, setUp, standing } from "./fake-run.ts";

describe("a cancel of the reposition tick", () => {
  it("tells the broker at once what was decided, and hands the child's price over with the proof", async () => {
    const canceling = readClaimedOrder(
      order({ action: "cancel", status: "cancel_pending", cancel_reason_code: "reprice" }),
    );
    const answers = [standing(), standing({ state: "canceled" })];
    const part: Partial<Broker> = {
      getOrder: async () => success(answers.shift() ?? standing()),
      cancel: async () => success({ clientOrderId: "o1", observedAt: NOW }),
    };
    const { run, calls, payload } = setUp([order()], part, [canceling]);
    await run();
    expect(calls).toEqual(["get o1", "cancel o1", "get o1"]);
    expect(payload("finish").reports).toMatchObject([
      { order_id: "o1", state: "canceled", replacement_price: "20105" },
    ]);
  });

  it("goes to the broker for all orders, before any quote or look at an order", async () => {
    const calls: string[] = [];
    const noted = async <Answer>(call: string, answer: Answer): Promise<Answer> => {
      calls.push(call);
      return answer;
    };
    const cancel = (id: string) =>
      order({ id, action: "cancel", status: "cancel_pending", cancel_reason_code: "kill_switch" });
    const { run } = setUp([cancel("o1"), cancel("o2"), order({ id: "o3" })], {
      cancel: (id) => noted(`cancel ${id}`, success({ clientOrderId: id, observedAt: NOW })),
      getOrder: (id) => noted(`get ${id}`, success(standing({ clientOrderId: id }))),
      quotes: () => noted("quotes", success([quote])),
    });
    await run();
    expect(calls.slice(0, 6)).toEqual(["cancel o1", "cancel o2", "quotes", "get o1", "get o2", "get o3"]);
  });

  it("follows each cancel by a look at the order, and carries the price for its child", async () => {
    const cancel = order({ action: "cancel", status: "cancel_pending", cancel_reason_code: "reprice" });
    const observed = { cancel: async () => success({ clientOrderId: "o1", observedAt: NOW }) };
    const proven = setUp([cancel], { ...observed, getOrder: async () => success(standing({ state: "canceled" })) });
    await proven.run();
    expect(proven.calls).toEqual(["cancel o1", "get o1"]);
    expect(proven.payload("commit").reports).toMatchObject([
      { kind: "report", state: "canceled", replacement_price: "20105" },
    ]);
    const asked = setUp([cancel], observed);
    await asked.run();
    expect(asked.payload("commit").reports).toMatchObject([
      { kind: "report", state: "working" },
      { kind: "cancel_requested" },
    ]);
  });

  it("gives a child its parent's price when the market has come back to it meanwhile", async () => {
    const answered = { cancel: async () => success({ clientOrderId: "o1", observedAt: NOW }) };
    const childOf = async (part: Json) => {
      const canceled = order({ action: "cancel", status: "cancel_pending", cancel_reason_code: "reprice", ...part });
      const getOrder = async () => success(standing({ state: "canceled" }));
      const { run, payload } = setUp([canceled], { ...answered, getOrder });
      await run();
      return (payload("commit").reports as Json[])[0]?.replacement_price;
    };
    expect(await childOf({ limit_price: "20105" })).toBe("20105");
    expect(await childOf({ side: "sell", purpose: "exit", replace_count: 3, limit_price: "20100" })).toBe("20100");
  });

  it("believes a refused cancel only together with the order's own state", async () => {
    const cancel = order({ action: "cancel", status: "cancel_pending", cancel_reason_code: "operator" });
    const kindsWith = async (getOrder: Broker["getOrder"]) => {
      const { run, payload } = setUp([cancel], { cancel: async () => refused, getOrder });
      await run();
      return (payload("commit").reports as Json[]).map(({ kind, state }) => state ?? kind);
    };
    const filled = standing({ state: "filled", filledQty: "0.001", averagePrice: "20000" });
    expect(await kindsWith(async () => success(filled))).toEqual(["filled"]);
    expect(await kindsWith(async () => success(standing()))).toEqual(["working", "cancel_refused"]);
    expect(await kindsWith(async () => error("unavailable"))).toEqual(["unavailable"]);
    expect(await kindsWith(async () => error("not_found"))).toEqual(["not_found"]);
  });
});
