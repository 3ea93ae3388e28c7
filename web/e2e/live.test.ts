import type { Page, WebSocketRoute } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Stage, setKnob, setStage, submit } from "./stage.ts";

let stage: Stage;
let page: Page;
beforeAll(async () => {
  stage = await setStage();
  await setKnob(stage.sql, "ORDER_TTL_SECONDS_ENTRY", "3600");
});
afterAll(() => stage.stop());
beforeEach(async () => {
  page = await stage.signedIn();
  await page.evaluate(() => Object.assign(window, { neverReloaded: true }));
});
afterEach(async () => {
  expect(await page.evaluate(() => "neverReloaded" in window)).toBe(true);
  await page.context().close();
});

const region = (name: string) => page.getByRole("region", { name, exact: true });
const rows = (table: string, symbol: string) => region(table).locator("tbody tr").filter({ hasText: symbol });
const connection = (text: string) => page.getByRole("status", { name: "Connection" }).getByText(text).waitFor();

describe("without a reload", () => {
  it("an order appears, fills, and becomes a position, a fill and a closed order", async () => {
    await submit(stage.sql, { symbol: "ETH-USD", side: "buy", at: 1.01 });
    await rows("Positions", "ETH-USD").waitFor();
    await rows("Fills", "ETH-USD").filter({ hasText: "buy" }).waitFor();
    await rows("Closed orders", "ETH-USD").filter({ hasText: "filled" }).waitFor();
    await region("Open orders").getByText("No order is open.").waitFor();
    expect(await rows("Positions", "ETH-USD").textContent()).toContain("manual");
  });

  it("an order is canceled by its button: pending until the broker has proven it, and its story says who asked", async () => {
    await submit(stage.sql, { symbol: "BTC-USD", side: "buy", at: 0.8 });
    const open = rows("Open orders", "BTC-USD");
    await open.filter({ hasText: "working" }).waitFor();
    await stage.sql`revoke select on paper_exchange.book from service_role`;
    await open.getByRole("button", { name: "Cancel buy BTC-USD" }).click();
    await page.getByRole("button", { name: "Cancel the order" }).click();
    await open.filter({ hasText: "cancel pending" }).waitFor();
    expect(await open.getByRole("button", { name: "Cancel buy BTC-USD" }).isDisabled()).toBe(true);
    await stage.sql`grant select on paper_exchange.book to service_role`;
    const closed = rows("Closed orders", "BTC-USD");
    await closed.filter({ hasText: "canceled" }).waitFor();

    await closed.getByRole("button", { name: /^Story of buy entry BTC-USD/ }).click();
    const story = page.getByRole("dialog", { name: "Order timeline" });
    await story.getByRole("heading", { name: "buy BTC-USD: entry, canceled" }).waitFor();
    const told = await story.locator("tbody tr").allTextContents();
    for (const step of [
      "new → submitted",
      "submitted → working",
      "working → cancel pending",
      "cancel pending → canceled",
    ])
      expect(
        told.filter((line) => line.includes(step)),
        step,
      ).toHaveLength(1);
    expect(told.find((line) => line.includes("working → cancel pending"))).toContain(
      `operator:${stage.keys.operator.email}`,
    );
    await page.keyboard.press("Escape");
    await story.waitFor({ state: "detached" });
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toMatch(
      /^Story of buy entry/,
    );
  });
});

describe("when the socket is down", () => {
  it("the header says polling, prices are asked every two seconds, and a change is seen; then it is live again", async () => {
    const sockets: WebSocketRoute[] = [];
    let isDown = false;
    await page.routeWebSocket(/\/realtime\//, (socket) => {
      if (isDown) return void socket.close();
      socket.connectToServer();
      sockets.push(socket);
    });
    await page.reload();
    await page.evaluate(() => Object.assign(window, { neverReloaded: true }));
    await connection("live");
    const asked: number[] = [];
    page.on("request", (request) => {
      if (request.url().endsWith("/rpc/dashboard_prices")) asked.push(Date.now());
    });

    isDown = true;
    for (const socket of sockets) await socket.close();
    await connection("polling");
    await expect.poll(() => asked.length, { timeout: 20_000 }).toBeGreaterThan(4);
    // One look may come late, and the next one then sooner: what counts is how often they come.
    const [first = 0, ...later] = asked.slice(1);
    expect(((later.at(-1) ?? 0) - first) / later.length).toBeGreaterThan(1_500);
    await setKnob(stage.sql, "kill_switch", "true");
    await page.getByRole("status", { name: "Trading state" }).getByText("halted").waitFor();

    isDown = false;
    await connection("live");
    await setKnob(stage.sql, "kill_switch", "false");
    await page.getByRole("status", { name: "Trading state" }).getByText("active").waitFor();
    expect(await page.getByRole("status", { name: "Connection" }).textContent()).toContain("live"); // nothing is polled then
  });
});

describe("when nothing answers", () => {
  it("the header says so and the data grows old on the screen, until the API is back", async () => {
    const age = async () => seconds((await page.getByText(/^.data .* old$/).textContent()) ?? "");
    await page.getByText(/data .* old/).waitFor();
    await page.route("**/rest/v1/**", (route) => route.abort());
    await setKnob(stage.sql, "MAX_REPRICE_ATTEMPTS", "4");
    const header = page.getByRole("banner");
    await header.getByText("The API does not answer.").waitFor();
    await header.getByText("was active").waitFor();
    const before = await age();
    await expect.poll(age, { timeout: 20_000 }).toBeGreaterThan(before + 60);
    await header.getByText("trader-tick is late").waitFor();
    expect(await region("Closed orders").locator("tbody tr").count()).toBeGreaterThan(0);

    await page.unroute("**/rest/v1/**");
    await header.getByText("The API does not answer.").waitFor({ state: "detached" });
    await page
      .getByRole("status", { name: "Trading state" })
      .getByText(/^\W*active$/)
      .waitFor();
    await header.getByText("trader-tick is late").waitFor({ state: "detached" });
  });
});

/** Reads "data 1 min 20 s old" as 80. */
function seconds(text: string): number {
  const unit = { s: 1, min: 60, h: 3600, d: 86_400 };
  return [...text.matchAll(/(\d+) (s|min|h|d)\b/g)].reduce(
    (sum, [, count, name]) => sum + Number(count) * unit[name as keyof typeof unit],
    0,
  );
}
