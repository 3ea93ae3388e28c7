import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Stage, setStage, submit, until } from "./stage.ts";

let stage: Stage;
let page: Page;
beforeAll(async () => {
  stage = await setStage();
  page = await stage.signedIn();
});
afterAll(() => stage.stop());

const state = (text: string) => page.getByRole("status", { name: "Trading state" }).getByText(text).waitFor();
const live = () => page.getByRole("status", { name: "Connection" }).getByText("live").waitFor();
const tab = (name: string) => page.getByRole("link", { name }).click();

describe("the kill switch", () => {
  it("stops everything after one question, says who did it, and asks again before it re-arms", async () => {
    await page.getByRole("button", { name: "Kill switch", exact: true }).click();
    const question = page.getByRole("dialog", { name: "Stop all trading?" });
    await page.keyboard.press("Escape");
    await question.waitFor({ state: "detached" });
    await state("active");
    await page.getByRole("button", { name: "Kill switch", exact: true }).click();
    await question.getByRole("button", { name: "Kill now" }).click();
    await question.waitFor({ state: "detached" });
    await state("halted");
    await page.getByText(`Kill switch is on, set by operator:${stage.keys.operator.email}`).first().waitFor();
    await page.getByRole("button", { name: "Re-arm trading" }).click();
    await page.getByRole("dialog", { name: "Re-arm trading?" }).getByRole("button", { name: "Re-arm" }).click();
    await state("active");
    await page.getByRole("button", { name: "Kill switch", exact: true }).waitFor();
  });

  it("set in SQL shows in the header at once, and the next intent is denied", async () => {
    await live();
    await stage.sql`UPDATE config SET value = 'true' WHERE key = 'kill_switch';`;
    await state("halted");
    await live(); // and nothing is polled then: the change came by itself
    await expect(submit(stage.sql, { symbol: "BTC-USD", side: "buy", at: 0.9 })).rejects.toThrow("KILL_SWITCH");
    await stage.sql`UPDATE config SET value = 'false' WHERE key = 'kill_switch';`;
    await state("active");
  });
});

describe("a knob", () => {
  it("is changed on the settings page, and says who set it", async () => {
    await tab("Settings");
    const knob = page.getByRole("listitem").filter({ has: page.getByText("MAX_NOTIONAL_PER_TRADE", { exact: true }) });
    await knob.getByRole("textbox").fill("30");
    await knob.getByRole("button", { name: "Save" }).click();
    await knob.getByText(`Set by operator:${stage.keys.operator.email}.`).waitFor();
    const [row] = await stage.sql`select value from public.config where key = 'MAX_NOTIONAL_PER_TRADE'`;
    expect(row).toEqual({ value: "30" });
  });

  it("with a bad value is refused with the database's sentence, and nothing changes", async () => {
    const knob = page.getByRole("listitem").filter({ has: page.getByText("MAX_OPEN_POSITIONS", { exact: true }) });
    await knob.getByRole("textbox").fill("many");
    await knob.getByRole("button", { name: "Save" }).click();
    const sentence = await knob.getByRole("alert").textContent();
    expect(sentence).toContain("MAX_OPEN_POSITIONS");
    expect(sentence).toContain("many");
    const [row] = await stage.sql`select value from public.config where key = 'MAX_OPEN_POSITIONS'`;
    expect(row).toEqual({ value: "3" });
  });

  it("is found by a word of its description, and the page says so when none is", async () => {
    await page.getByLabel("Find a knob").fill("cancel/replace");
    await expect.poll(() => page.locator(".knobs li").count()).toBe(1);
    await page.getByLabel("Find a knob").fill("weather");
    await page.getByText("No knob is about “weather”.").waitFor();
  });
});

describe("a rare command", () => {
  it("safe mode halts entries with its reason in the header, and is left again", async () => {
    await page.getByRole("button", { name: "Enter safe mode" }).click();
    await state("reducing");
    await page.getByRole("list", { name: "Reasons of the trading state" }).getByText("Safe mode: operator").waitFor();
    await page.getByRole("button", { name: "Leave safe mode" }).click();
    await state("active");
  });

  it("cash that was moved is booked, and a bad amount is refused in words", async () => {
    await page.getByLabel("Amount in US dollars").fill("minus seven");
    await page.getByLabel("Reason").fill("a test");
    await page.getByRole("button", { name: "Record" }).click();
    await page.getByRole("alert").filter({ hasText: "minus seven" }).waitFor();
    await page.getByLabel("Amount in US dollars").fill("1.5");
    await page.getByRole("button", { name: "Record" }).click();
    await page.getByText("Recorded.").waitFor();
    const rows = await stage.sql`select amount from public.cash_ledger where kind = 'deposit'`;
    expect(rows.map((row) => Number(row.amount))).toEqual([1.5]);
  });

  it("the fees say where they come from: paper's are the knob's, live's are assumed until an operator says them", async () => {
    const fees = page.getByRole("region", { name: "Fees" });
    await fees.getByText("Maker 95, taker 95 basis points, from the knob PAPER_FEE_BPS.").waitFor();
    expect(await fees.getByRole("button").count()).toBe(0);
    await page.getByLabel("Book on screen").selectOption("live");
    await fees.getByText("Maker 95, taker 95 basis points, nobody has told the rates yet").waitFor();
    await fees.getByLabel("Maker fee in basis points").fill("free");
    await fees.getByLabel("Taker fee in basis points").fill("40");
    await fees.getByLabel("Where the rates were read").fill("tariff of March");
    await fees.getByRole("button", { name: "Set the fees" }).click();
    await fees.getByRole("alert").filter({ hasText: "free" }).waitFor();
    await fees.getByLabel("Maker fee in basis points").fill("25");
    await fees.getByRole("button", { name: "Set the fees" }).click();
    await fees.getByText("Maker 25, taker 40 basis points, as an operator has said.").waitFor();
    await page.getByLabel("Book on screen").selectOption("paper");
    await fees.getByText("from the knob PAPER_FEE_BPS").waitFor();
  });

  it("the broker's books are adopted only when one types so, and the refusal says what to type", async () => {
    await page.getByRole("button", { name: "Adopt the broker's books" }).click();
    const question = page.getByRole("dialog", { name: "Adopt the broker's paper books?" });
    await question.getByRole("button", { name: "Adopt" }).click();
    await question.getByRole("alert").filter({ hasText: "ADOPT PAPER" }).waitFor();
    await page.keyboard.press("Escape");
    await question.waitFor({ state: "detached" });
  });

  it("a tick is run by hand and tells how it ended", async () => {
    await tab("Log");
    const button = page.getByRole("button", { name: "Run trader-tick now" });
    // At this speed cron's own run is often at work already, and the answer says so.
    await until(async () => {
      await button.click();
      await button.waitFor();
      const answer = await page.locator(".run-now").first().getByRole("status").textContent();
      if (answer !== "ok") expect(answer).toBe("at work already; it goes round once more");
      return answer === "ok";
    });
    await page.getByRole("region", { name: "Runs" }).getByText("manual").first().waitFor();
  });
});

describe("dust", () => {
  it("is marked where it stands among the positions, and told by an alert that asks for nothing", async () => {
    await stage.sql.begin(async (sql) => {
      await sql`set local role zoe_engine`;
      await sql`select private.adopt_lot('live', 'DOGE-USD', 0.9)`;
    });
    await tab("Overview");
    await page.getByLabel("Book on screen").selectOption("live");
    const held = page.getByRole("region", { name: "Positions" }).locator("tbody tr").filter({ hasText: "DOGE-USD" });
    await held.getByText("dust, too little to sell").waitFor();
    const alert = page.getByText("Too little to be sold: DOGE-USD").first();
    await alert.waitFor();
    await page.getByText("Nothing has to be done: it stays in the books").waitFor();
    await page.getByLabel("Book on screen").selectOption("paper");
    await alert.waitFor({ state: "detached" });
  });
});

describe("on a phone", () => {
  it("no page is wider than the screen, and the kill switch is in sight wherever one has scrolled", async () => {
    const phone = await stage.signedIn(stage.keys.operator, { viewport: { width: 390, height: 844 } });
    for (const name of ["Overview", "Log", "Settings"]) {
      await phone.getByRole("link", { name }).click();
      await phone.getByText("Loading…").first().waitFor({ state: "detached" });
      await phone.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
      expect(await phone.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(390);
      const box = await phone.getByRole("button", { name: "Kill switch", exact: true }).boundingBox();
      expect(box && box.y >= 0 && box.y < 120, name).toBe(true);
      await phone.evaluate(() => window.scrollTo(0, 0));
    }
    await phone.context().close();
  });
});
