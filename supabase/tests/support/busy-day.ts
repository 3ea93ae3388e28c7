import type { TestDatabase } from "./database.ts";
import { entry, quoteAt, type StartedRun, tickRpc } from "./tick-rpc.ts";

const NOON = "2026-03-01T12:00:00Z";
type Ticks = ReturnType<typeof tickRpc>;
type Json = Record<string, unknown>;

const book = (cash: string, holdings: Json) => ({ mode: "paper", cash, holdings, open_orders: [], observed_at: NOON });

/** The ids of what a busy day leaves behind. */
export interface BusyDay {
  /** A buy of 0.0004 BTC at 60000 with a fee of 0.2. */
  bought: { intent: string; order: string };
  /** A sale of a quarter of it at 61000 with a fee of 0.05. */
  sold: { intent: string; order: string };
  /** An entry in ETH-USD that works at 2000. */
  working: { intent: string; order: string };
}

/** Runs the ticks of a day through the real RPCs until every table that people read has a row; the clock then stands at 12:00 UTC. */
export async function busyDay(db: TestDatabase): Promise<BusyDay> {
  const ticks = tickRpc(db);
  await db.setClock(NOON);
  await db.sql`update public.config set value = '200' where key = 'MAX_DAILY_NOTIONAL'`;
  await openBooks(ticks);
  const bought = await trade(ticks, entry("buy", { notional: "24", limit_price: "60000" }), {
    fill_id: "f1",
    price: "60000",
    fee: "0.2",
  });
  const sale = entry("sell", {
    side: "sell",
    purpose: "exit",
    notional: undefined,
    qty: "0.0001",
    limit_price: "61000",
  });
  const sold = await trade(ticks, sale, { fill_id: "f2", price: "61000", fee: "0.05" });
  const working = await trade(ticks, entry("work", { symbol: "ETH-USD", limit_price: "2000" }));
  const run = await ticks.start("trader-tick");
  await ticks.finish(run, { outcome: "ok", broker_books: [book("1981.85", { "BTC-USD": "0.0003" })] });
  await db.sql`select private.seal_audit()`;
  await db.sql`select private.open_alert('rejections', '', 'paper', 'warning', 'Orders rejected: 3', 'why', 'look', '{}', 3)`;
  return { bought, sold, working };
}

async function openBooks(ticks: Ticks): Promise<void> {
  const run = await ticks.start("trader-tick", { slot: NOON, trigger: "cron" });
  await ticks.commit(run, {
    quotes: [quoteAt(NOON, "BTC-USD", "60999", "61001"), quoteAt(NOON, "ETH-USD", "2000", "2001")],
    candles: [
      {
        symbol: "BTC-USD",
        timeframe: "1m",
        open_time: "2026-03-01T11:59:00Z",
        open: "1",
        high: "3",
        low: "1",
        close: "2",
        volume: "5",
      },
    ],
    scans: [{ symbol: "BTC-USD", score: 70, score_breakdown: { trend: 20 }, info: { bid: "60999" } }],
    rejected_prices: [
      {
        symbol: "BTC-USD",
        kind: "quote",
        source: "test",
        price: "1",
        low: "1",
        high: "2",
        median: "60000",
        observed_at: NOON,
      },
    ],
    thoughts: [{ type: "scan", symbol: "BTC-USD", content: "Best score 70" }],
    heartbeats: [{ component: "market_data", ok: true, status: "ok", latency_ms: 40 }],
  });
  await ticks.finish(run, { outcome: "ok", broker_books: [book("2000", {})] });
}

/** Submits the intent in a run of its own; without a fill the order is left working. */
async function trade(ticks: Ticks, intent: Json, fill?: Json): Promise<{ intent: string; order: string }> {
  const run: StartedRun = await ticks.start("trader-tick");
  const { intents, orders } = await ticks.commit(run, { intents: [intent] });
  const order = orders[0];
  if (!order) throw new Error(`not accepted: ${JSON.stringify(intents)}`);
  const report = {
    order_id: order.id,
    kind: "report",
    state: fill ? "filled" : "working",
    filled_qty: fill ? order.qty : "0",
    ...(fill && { average_price: fill.price, fee: fill.fee, fills: [{ ...fill, qty: order.qty, executed_at: NOON }] }),
    observed_at: NOON,
  };
  const { reports } = await ticks.finish(run, { outcome: "ok", reports: [report] });
  if (reports[0]?.result !== "applied") throw new Error(`not applied: ${JSON.stringify(reports)}`);
  return { intent: `${order.intent_group_id}`, order: `${order.id}` };
}
