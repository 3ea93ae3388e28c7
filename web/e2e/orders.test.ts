import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Stage, setKnob, setStage, submit, until } from "./stage.ts";

let stage: Stage;
let page: Page;
beforeAll(async () => {
  stage = await setStage();
  await setKnob(stage.sql, "ORDER_TTL_SECONDS_ENTRY", "3600");
  await setKnob(stage.sql, "MAX_DAILY_NOTIONAL", "1000");
  await setKnob(stage.sql, "MAX_OPEN_POSITIONS", "10");
  await setKnob(stage.sql, "SAFE_MODE_BROKER_ERRORS", "1000"); // which would cancel entries by itself
  page = await stage.signedIn();
});
afterEach(async () => {
  await brokerUp();
  await theOperatorIs("operator");
  await stage.sql`update public.crypto_orders set status = 'canceled' where closed_at is null`;
  await until(async () => (await stage.sql`select from public.crypto_orders where closed_at is null`).length === 0);
});
afterAll(() => stage.stop());

/** The paper exchange can't read its book: every call fails without an answer, as in an outage. */
const brokerDown = () => stage.sql`revoke select on paper_exchange.book from service_role`;
const brokerUp = () => stage.sql`grant select on paper_exchange.book to service_role`;

const theOperatorIs = (role: "operator" | "viewer") =>
  stage.sql`update public.operators set role = ${role} where email = ${stage.keys.operator.email}`;

const row = (symbol: string, on = page) =>
  on.getByRole("region", { name: "Open orders", exact: true }).locator("tbody tr").filter({ hasText: symbol });
const statusOf = async (id: string) =>
  (await stage.sql`select status, cancel_reason_code as reason from public.crypto_orders where id = ${id}`)[0];
const becomes = (id: string, status: string) => until(async () => (await statusOf(id))?.status === status);

/** The broker's refusal, as if it were one of many: the next try lies an hour ahead. */
const refusedForAnHour = (id: string) =>
  stage.sql.begin(async (sql) => {
    await sql`set local role service_role`;
    const report = { order_id: id, kind: "refused", reason: "halted" };
    await sql`select public.apply_execution_reports(${sql.json([report])})`;
    await sql`set local role zoe_engine`;
    await sql`update public.crypto_orders set closed_at = closed_at + interval '1 hour' where id = ${id}`;
  });

/** Submits an order that rests far below the market, and opens the question whether to cancel it. */
async function asked(symbol: string) {
  const id = await submit(stage.sql, { symbol, side: "buy", at: 0.8 });
  await row(symbol).filter({ hasText: "working" }).waitFor();
  await row(symbol)
    .getByRole("button", { name: `Cancel buy ${symbol}` })
    .click();
  const question = page.getByRole("dialog", { name: `Cancel buy ${symbol}?` });
  return { id, question, confirm: question.getByRole("button", { name: "Cancel the order" }) };
}

const isDegraded = async () => {
  const [account] = await stage.sql`select degraded from public.accounts where mode = 'paper'`;
  return account?.degraded;
};

describe("the question whether to cancel an order", () => {
  it("stays open and says so while nothing answers; a double click then asks once", async () => {
    const { id, question, confirm } = await asked("BTC-USD");
    await page.route("**/rpc/request_cancel", (route) => route.abort());
    await confirm.click();
    await question.getByRole("alert").getByText("The API does not answer.").waitFor();
    expect((await statusOf(id))?.status).toBe("working");
    await page.unroute("**/rpc/request_cancel");
    let requests = 0;
    const count = (request: { url(): string; method(): string }) => {
      if (request.method() === "POST" && request.url().endsWith("/rpc/request_cancel")) requests += 1;
    };
    page.on("request", count);
    await confirm.dblclick();
    await question.waitFor({ state: "detached" });
    await becomes(id, "canceled");
    page.off("request", count);
    expect(requests).toBe(1);
    expect(await statusOf(id)).toEqual({ status: "canceled", reason: "operator_dashboard" });
  });

  it("stays open with the database's sentence when it is refused, and the order goes on", async () => {
    const { id, question, confirm } = await asked("ETH-USD");
    await theOperatorIs("viewer");
    await confirm.click();
    await question.getByRole("alert").getByText("This needs a signed-in operator; the caller is a viewer.").waitFor();
    expect((await statusOf(id))?.status).toBe("working");
    await theOperatorIs("operator");
    await confirm.click();
    await question.waitFor({ state: "detached" });
    await becomes(id, "canceled");
  });

  it("says so when the order has been done with meanwhile", async () => {
    const { id, question, confirm } = await asked("SOL-USD");
    await stage.sql`update public.crypto_orders set status = 'canceled' where id = ${id}`;
    await becomes(id, "canceled");
    await confirm.click();
    await question.getByRole("alert").getByText("The order is canceled already: nothing was changed.").waitFor();
    await question.getByRole("button", { name: "Back" }).click();
    await question.waitFor({ state: "detached" });
  });
});

describe("an order that is being repriced", () => {
  it("can be canceled for good while the broker is silent, and says then that it was asked", async () => {
    const id = await submit(stage.sql, { symbol: "BTC-USD", side: "buy", at: 0.8 });
    await becomes(id, "working");
    await brokerDown();
    await stage.sql.begin(async (sql) => {
      await sql`set local role zoe_engine`;
      await sql`select private.cancel_orders(array[${id}::uuid], 'reprice', 'reposition-tick')`;
    });
    await row("BTC-USD").filter({ hasText: "cancel pending" }).waitFor();
    const button = row("BTC-USD").getByRole("button", { name: "Cancel buy BTC-USD" });
    await button.click();
    await page.getByRole("button", { name: "Cancel the order" }).click();
    await row("BTC-USD").getByText("Asked").waitFor();
    expect(await button.isDisabled()).toBe(true);
    expect(await statusOf(id)).toEqual({ status: "cancel_pending", reason: "operator_dashboard" });
    await brokerUp();
    await becomes(id, "canceled");
    expect(await stage.sql`select from public.crypto_orders where parent_order_id = ${id}`).toHaveLength(0);
  });
});

describe("an order that nobody knows the fate of", () => {
  it("is settled in its story by an operator who says how it ended, and by nobody else", async () => {
    await brokerDown();
    const id = await submit(stage.sql, { symbol: "ETH-USD", side: "buy", at: 0.8 });
    await row("ETH-USD").getByText("fate unknown, asking").waitFor();
    const viewer = await stage.signedIn(stage.keys.viewer);
    await row("ETH-USD", viewer).getByRole("button", { name: "Story of buy entry ETH-USD" }).click();
    await viewer.getByRole("dialog").getByText("fate unknown").waitFor();
    expect(await viewer.getByRole("button", { name: "It is over: settle it" }).count()).toBe(0);
    await viewer.context().close();
    await row("ETH-USD").getByRole("button", { name: "Story of buy entry ETH-USD" }).click();
    const story = page.getByRole("dialog");
    await story.getByLabel("Filled in all").fill("-1");
    await story.getByLabel("What the broker's record shows").fill("no such order");
    await story.getByRole("button", { name: "It is over: settle it" }).click();
    await story.getByRole("alert").getByText("filled_qty is -1; it must be from 0 (booked already)").waitFor();
    await story.getByLabel("Filled in all").fill("0");
    await story.getByRole("button", { name: "It is over: settle it" }).click();
    await story.getByText("settled by hand").waitFor();
    await story.getByRole("button", { name: "It is over: settle it" }).waitFor({ state: "detached" });
    await story.getByRole("button", { name: "Close" }).click();
    expect(await statusOf(id)).toMatchObject({ status: "rejected" });
  });
});

describe("a fill that the broker took back", () => {
  it("is corrected in the order's story by an operator who says why, and shown there and among the fills", async () => {
    const id = await submit(stage.sql, { symbol: "DOGE-USD", side: "buy", at: 1.01 });
    await becomes(id, "filled");
    const [was] = await stage.sql`
      select filled_qty::text as qty, average_price::text as price, fee::text as fee from public.crypto_orders where id = ${id}`;
    const order = page
      .getByRole("region", { name: "Closed orders", exact: true })
      .locator("tbody tr")
      .filter({ hasText: "DOGE-USD" });
    await order
      .first()
      .getByRole("button", { name: /^Story of buy/ })
      .click();
    const story = page.getByRole("dialog");
    await story.getByText("The broker took back or changed what it had told").click();
    await story.getByLabel("Filled after all").fill("-1");
    await story.getByLabel("Why the broker changed it").fill("trade busted");
    await story.getByRole("button", { name: "Correct the books" }).click();
    await story.getByRole("alert").getByText("filled_qty is -1; it must be from 0 to").waitFor();
    await story.getByLabel("Filled after all").fill("0");
    await story.getByRole("button", { name: "Correct the books" }).click();
    await story.getByText("trade busted").waitFor();
    await story.getByText("(corrected)").first().waitFor();
    await story.getByRole("button", { name: "Close" }).click();
    expect(await statusOf(id)).toMatchObject({ status: "canceled" });
    await page.getByRole("region", { name: "Fills", exact: true }).getByText("buy, corrected").first().waitFor();
    // It stood after all: the paper exchange still has it, and the books must agree again for what comes next.
    await stage.sql`select public.correct_order(${id}, ${was?.qty}, ${was?.price}, ${was?.fee}, 'it stood after all')`;
    await expect.poll(isDegraded, { timeout: 60_000, interval: 500 }).toBe(false);
  });
});

describe("an exit that the broker refused", () => {
  it("is shown with its next try among the open orders, and is not tried again when that is canceled", async () => {
    await becomes(await submit(stage.sql, { symbol: "SOL-USD", side: "buy", at: 1.01 }), "filled");
    const [held] = await stage.sql`select qty from public.positions where symbol = 'SOL-USD' and mode = 'paper'`;
    await brokerDown();
    const id = await submit(stage.sql, { symbol: "SOL-USD", side: "sell", at: 1.2, qty: held?.qty });
    await becomes(id, "submitted");
    await refusedForAnHour(id);
    await row("SOL-USD").filter({ hasText: "rejected" }).getByText("tries again in").waitFor();
    await row("SOL-USD").getByRole("button", { name: "Cancel sell SOL-USD" }).click();
    await page.getByRole("button", { name: "Do not try again" }).click();
    await row("SOL-USD").waitFor({ state: "detached" });
    expect(await statusOf(id)).toEqual({ status: "rejected", reason: "operator_dashboard" });
    const [intent] = await stage.sql`
      select i.status from public.order_intents as i join public.crypto_orders as o on o.intent_group_id = i.id where o.id = ${id}`;
    expect(intent?.status).toBe("canceled");
  });
});

describe("on a phone", () => {
  it("the cancel button of an open order lies whole on the screen", async () => {
    const phone = await stage.signedIn(stage.keys.operator, { viewport: { width: 390, height: 844 } });
    await brokerDown();
    await submit(stage.sql, { symbol: "ETH-USD", side: "buy", at: 0.8 });
    await row("ETH-USD", phone).getByText("fate unknown, asking").waitFor();
    const table = phone.getByRole("region", { name: "Open orders" }).last();
    const box = await row("ETH-USD", phone).getByRole("button", { name: "Cancel buy ETH-USD" }).boundingBox();
    expect(box && box.x + box.width).toBeLessThanOrEqual(380);
    expect(await table.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
    await phone.context().close();
  });

  it("an order's story leaves nothing out: who, what, from, to, price, quantity, reason and trace, none wider than the screen", async () => {
    const phone = await stage.signedIn(stage.keys.operator, { viewport: { width: 390, height: 844 } });
    const id = await submit(stage.sql, { symbol: "AVAX-USD", side: "buy", at: 0.8 });
    await becomes(id, "working");
    await stage.sql`update public.crypto_orders set status = 'canceled', cancel_reason_code = 'changed my mind' where id = ${id}`;
    await becomes(id, "canceled");
    const closed = phone.getByRole("region", { name: "Closed orders", exact: true });
    await closed
      .getByRole("button", { name: /^Story of buy entry AVAX-USD/ })
      .first()
      .click();
    const event = phone.getByRole("dialog").locator("tbody tr").filter({ hasText: "working → cancel pending" });
    await event.waitFor();
    const [told] = await stage.sql`
      select actor, reason, trace_id, trim_scale(qty)::text as qty from public.order_events
      where order_id = ${id} and to_status = 'cancel_pending' and from_status = 'working'`;
    for (const part of [
      told?.actor,
      "changed my mind",
      `of ${Number(told?.qty).toFixed(8)}`,
      `trace ${told?.trace_id ?? "–"}`,
    ]) {
      const box = await event.getByText(String(part), { exact: true }).boundingBox();
      expect(box && box.x >= 0 && box.x + box.width <= 390, part).toBe(true);
    }
    expect(await phone.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await phone.context().close();
  });
});
