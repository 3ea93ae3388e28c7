import { randomUUID } from "node:crypto";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import postgres from "postgres";
import { type Credentials, type Keys, readKeys } from "../../supabase/local/keys.ts";
import { makePlace, type Place, type Running, startInPlace } from "../../supabase/tests/support/running-platform.ts";

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--no-first-run",
];

/** A platform of its own with a simulated market, a browser to look at it, and the SQL editor's connection. */
export interface Stage {
  readonly place: Place;
  readonly platform: Running;
  readonly keys: Keys;
  readonly sql: postgres.Sql;
  /** Opens a page of its own, nobody signed in. */
  open(options?: BrowserContextOptions): Promise<Page>;
  /** Opens a page and signs a person in. */
  signedIn(who?: Credentials, options?: BrowserContextOptions): Promise<Page>;
  stop(): Promise<void>;
}

/** Boots the platform at the given speed and a browser. The trader is told to look and never to enter, unless asked otherwise. */
export async function setStage({ speed = 20, trades = false } = {}): Promise<Stage> {
  const place = await makePlace();
  const platform = startInPlace(place, ["--simulate", "7", "--speed", String(speed)], true);
  await platform.says("Zoe runs");
  const keys = readKeys(place.dataDir);
  const sql = postgres(place.databaseUrl, { max: 2, onnotice: () => {} });
  if (!trades) await setKnob(sql, "TRADER_ENTRY_SCORE", "100");
  await until(async () => {
    const [account] = await sql`select cash from public.accounts where mode = 'paper'`;
    return Number(account?.cash) > 0;
  });
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ARGS });
  const open = async (options?: BrowserContextOptions) => (await newContext(browser, options)).newPage();
  return {
    place,
    platform,
    keys,
    sql,
    open,
    signedIn: async (who = keys.operator, options) => {
      const page = await open(options);
      await signIn(page, place.dashboardUrl, who);
      await page.getByRole("status", { name: "Connection" }).getByText("live").waitFor();
      return page;
    },
    stop: async () => {
      await browser.close();
      await sql.end();
      platform.child.kill("SIGINT");
      await platform.ended;
      place.remove();
    },
  };
}

async function newContext(browser: Browser, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(60_000);
  return context;
}

/** Fills in the sign-in page. */
export async function signIn(page: Page, url: string, { email, password }: Credentials): Promise<void> {
  await page.goto(url);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Sets a knob as the SQL editor does. */
export const setKnob = (sql: postgres.Sql, key: string, value: string) =>
  sql`update public.config set value = ${value} where key = ${key}`;

/** Asks again and again until the answer is neither false nor nothing, and returns it. */
export async function until<T>(ask: () => Promise<T | false | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== false && answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The last quote of a symbol, once the market has given one that is fresh enough to trade on. */
export async function freshQuote(sql: postgres.ISql, symbol: string): Promise<{ bid: number; ask: number }> {
  return until(async () => {
    const [row] = await sql`
      select bid, ask from public.quotes where symbol = ${symbol} and private.clock() - observed_at < interval '20 seconds'`;
    return row && { bid: Number(row.bid), ask: Number(row.ask) };
  });
}

interface Wish {
  symbol: string;
  side: "buy" | "sell";
  /** The limit as a factor of the touch: 0.8 rests far below, 1.01 crosses. */
  at: number;
  notional?: string;
  qty?: string;
}

/** Submits an intent of the engine `manual`, as an operator's order is; returns the order's id. Throws a denial. */
export async function submit(sql: postgres.ISql, { symbol, side, at, notional, qty }: Wish): Promise<string> {
  const { bid, ask } = await freshQuote(sql, symbol);
  const intent = {
    engine: "manual",
    mode: "paper",
    symbol,
    side,
    purpose: side === "buy" ? "entry" : "exit",
    limit_price: ((side === "buy" ? ask : bid) * at).toFixed(symbol === "DOGE-USD" ? 5 : 2),
    idempotency_key: randomUUID(),
    reason: "a test says so",
    ...(qty ? { qty } : { notional: notional ?? "20" }),
  };
  const [row] = await sql`select private.submit_intent(${sql.json(intent)}) as answer`;
  if (row?.answer.status !== "accepted") throw new Error(JSON.stringify(row?.answer));
  return row.answer.order_id;
}
