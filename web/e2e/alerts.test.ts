import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Stage, setKnob, setStage, submit, until } from "./stage.ts";

/** The runbook's failure modes, each caused for real and read on the banner; it is gone when the cause is. */

let stage: Stage;
let page: Page;
beforeAll(async () => {
  stage = await setStage({ speed: 30 });
  await setKnob(stage.sql, "ORDER_TTL_SECONDS_ENTRY", "3600");
  await setKnob(stage.sql, "MAX_DAILY_NOTIONAL", "1000");
  await setKnob(stage.sql, "MAX_OPEN_POSITIONS", "10");
  await setKnob(stage.sql, "ALERT_STUCK_ORDER_SECONDS", "90");
  await setKnob(stage.sql, "SAFE_MODE_SECONDS", "120");
  page = await stage.signedIn();
});
afterEach(async () => {
  await brokerUp();
  await setKnob(stage.sql, "RECONCILE_CASH_TOLERANCE", "2.0");
});
afterAll(() => stage.stop());

const alert = (kind: string) => page.locator(`[data-kind="${kind}"]`);
const gone = (...kinds: string[]) =>
  Promise.all(kinds.map((kind) => expect.poll(() => alert(kind).count(), { timeout: 60_000, message: kind }).toBe(0)));

/** Waits for an alert whose whole text says these things; returns the text. */
async function reads(kind: string, ...sayings: (string | RegExp)[]): Promise<string> {
  await alert(kind).waitFor();
  const text = (await alert(kind).textContent()) ?? "";
  for (const saying of [...sayings, /for \d+ (s|min)/, /since \d\d:\d\d:\d\d/, "What to do: "])
    expect(text, kind).toMatch(saying);
  return text;
}

const status = async (id: string) =>
  (await stage.sql`select status, unresolved from public.crypto_orders where id = ${id}`)[0];
const becomes = (id: string, wanted: string) => until(async () => (await status(id))?.status === wanted);

/** The paper exchange can't read its book: every call fails without an answer, as in an outage. */
const brokerDown = () => stage.sql`revoke select on paper_exchange.book from service_role`;
const brokerUp = () => stage.sql`grant select on paper_exchange.book to service_role`;

describe("the banner tells, and stops telling when the cause is gone:", () => {
  it("the kill switch", async () => {
    await setKnob(stage.sql, "kill_switch", "true");
    await reads("kill_switch", "critical", "Kill switch is on", "Re-arm it in the header");
    await setKnob(stage.sql, "kill_switch", "false");
    await gone("kill_switch");
  });

  it("a broker outage: degraded with its reason, safe mode, an order of unknown fate, a cancel without an answer", async () => {
    const working = await submit(stage.sql, { symbol: "BTC-USD", side: "buy", at: 0.8 });
    await becomes(working, "working");
    await brokerDown();
    const unknown = await submit(stage.sql, { symbol: "ETH-USD", side: "buy", at: 0.8 });
    await stage.sql`update crypto_orders set status = 'canceled' where id = ${working}`;
    await reads(
      "order_unresolved",
      "critical",
      "Orders of unknown fate: 1",
      `ETH-USD buy ${unknown}`,
      "client order id",
    );
    await reads(
      "cancel_unconfirmed",
      "critical",
      /Cancels not confirmed: \d/,
      `BTC-USD buy ${working}`,
      "It is retried",
    );
    await reads("api_degraded", "critical", "System degraded", /\d+ errors in a row: \S+/, "broker's status page");
    await reads("safe_mode", "warning", "broker_errors", "Exits go on");
    await page.getByRole("status", { name: "Trading state" }).getByText("reducing").waitFor();

    await page.getByRole("link", { name: "Log" }).click();
    const health = page.getByRole("region", { name: "Health" }).locator("tr").filter({ hasText: "broker api" });
    await health
      .getByText("error", { exact: true })
      .or(health.getByText(/error$/))
      .first()
      .waitFor();
    await page.getByRole("link", { name: "Overview" }).click();

    await brokerUp();
    await gone("order_unresolved", "cancel_unconfirmed", "api_degraded", "safe_mode");
    await becomes(working, "canceled");
    expect(await until(async () => (await status(unknown))?.unresolved === false)).toBe(true);
    await page.getByRole("status", { name: "Trading state" }).getByText("active").waitFor();
  });

  it("a stuck order, with its count; the banner's own advice ends it", async () => {
    const bought = await submit(stage.sql, { symbol: "SOL-USD", side: "buy", at: 1.01 });
    await becomes(bought, "filled");
    // No reprice is left, and the spread is too wide for one anyway: the exit stays where it is and is never abandoned.
    await setKnob(stage.sql, "MAX_REPRICE_ATTEMPTS", "0");
    await setKnob(stage.sql, "LIQUIDITY_GUARD_SPREAD_PCT", "0");
    const [held] = await stage.sql`select qty from public.positions where symbol = 'SOL-USD' and mode = 'paper'`;
    const exit = await submit(stage.sql, { symbol: "SOL-USD", side: "sell", at: 1.3, qty: held?.qty });
    await reads("stuck_orders", "warning", "Stuck orders: 1", `SOL-USD sell ${exit}`, "Cancel by hand");
    await stage.sql`UPDATE crypto_orders SET status = 'canceled' WHERE id = ${exit}`;
    await gone("stuck_orders");
    await becomes(exit, "canceled");
    await setKnob(stage.sql, "MAX_REPRICE_ATTEMPTS", "3");
    await setKnob(stage.sql, "LIQUIDITY_GUARD_SPREAD_PCT", "0.5");
  });

  it("repeated rejections, with their count", async () => {
    // The broker has less money than we think; a wide tolerance keeps reconciliation from saying so first.
    await setKnob(stage.sql, "RECONCILE_CASH_TOLERANCE", "100000");
    const [book] = await stage.sql`select (state ->> 'cash')::numeric - 1 as cash from paper_exchange.book`;
    await moveBrokerCash(`-${book?.cash}`);
    for (const symbol of ["AVAX-USD", "DOGE-USD", "BTC-USD"]) await submit(stage.sql, { symbol, side: "buy", at: 0.9 });
    await reads("rejections", "warning", /Orders rejected: [3-9] in 10 minutes/, "INSUFFICIENT_CASH", "buying power");
    await moveBrokerCash(`${book?.cash}`);
    await setKnob(stage.sql, "RECONCILE_CASH_TOLERANCE", "2.0");
    await setKnob(stage.sql, "ALERT_REJECTION_WINDOW_SECONDS", "120");
    await gone("rejections");
  });

  it("books that do not agree: degraded with the difference, until a reconciliation agrees again", async () => {
    await moveBrokerCash("-50");
    await reads("degraded", "critical", "the books do not agree", "cash_diff", "RECONCILE_CASH_TOLERANCE");
    await page.getByRole("status", { name: "Trading state" }).getByText("reducing").waitFor();
    await page.getByRole("link", { name: "Log" }).click();
    await page.getByRole("region", { name: "Reconciliation" }).getByText("degraded").first().waitFor();
    await page.getByRole("link", { name: "Overview" }).click();
    await moveBrokerCash("50");
    await gone("degraded");
  });

  it("consecutive empty scans, and the safe mode that they begin", async () => {
    // A watchlist of one coin that the market does not have.
    await stage.sql`update public.instruments set enabled = false`;
    await stage.sql`
      insert into public.instruments (symbol, price_increment, qty_increment, min_qty, min_notional)
      values ('NOPE-USD', 0.01, 0.00000001, 0.0001, 1)`;
    await reads(
      "empty_scans",
      "warning",
      /[3-9] scans in a row could not score/,
      "Check API connectivity and the watchlist",
    );
    await reads("safe_mode", "warning", "empty_scans", "until");
    await stage.sql`update public.instruments set enabled = symbol <> 'NOPE-USD'`;
    await gone("empty_scans", "safe_mode", "market_data");
  });

  it("a tick that has stalled; acknowledged it folds to a line with the name, and comes off when the tick runs", async () => {
    const active = (on: boolean) =>
      stage.sql`select cron.alter_job(jobid, active := ${on}) from cron.job where jobname = 'zoe-dispatch'`;
    await active(false);
    const trader = alert("tick_stalled").filter({ hasText: "trader-tick has stalled" });
    await trader.waitFor();
    expect(await trader.textContent()).toMatch(/No good run for \d+ seconds.*What to do: .*npm run invoke trader-tick/);
    await page.getByRole("banner").getByText("trader-tick is late").waitFor();
    await page.getByRole("button", { name: "Acknowledge: trader-tick has stalled" }).click();
    await trader.getByText(`acknowledged by ${stage.keys.operator.email}`).waitFor();
    expect(await trader.textContent()).not.toContain("What to do");
    await active(true);
    await gone("tick_stalled");
    await page.getByRole("banner").getByText("trader-tick is late").waitFor({ state: "detached" });
  });
});

/** Moves cash in the paper exchange's own book, behind the engine's back. */
const moveBrokerCash = (amount: string) =>
  stage.sql`
    update paper_exchange.book
    set state = jsonb_set(state, '{cash}', to_jsonb(((state ->> 'cash')::numeric + ${amount}::numeric)::text)), version = version + 1`;
