import { type ScriptedMarket, scriptedMarket } from "../../tests/support/scripted-market.ts";
import { noBroker } from "../_shared/brokers/none.ts";
import { fakeStore, running } from "../_shared/fake-store.ts";
import { runTick } from "../_shared/tick.ts";
import type { Json } from "../_shared/wire/write.ts";
import { traderTick } from "./handler.ts";

/** The moment of these ticks. */
export const NOW = Date.UTC(2026, 2, 1, 12);
export const [BTC, ETH] = ["BTC-USD", "ETH-USD"];
const instrument = (symbol: string) => ({
  symbol,
  price_increment: "0.01",
  qty_increment: "0.00000001",
  min_qty: "0.00001",
  min_notional: "1",
  enabled: true,
});
/** A position of the trader in BTC at 20,000. */
export const held = (part: Json = {}): Json => ({
  symbol: BTC,
  engine: "trader",
  qty: "0.001",
  free_qty: "0.001",
  average_price: "20000",
  entry_price: "20000",
  high_water: null,
  stop_price: null,
  target_price: null,
  trail_armed: false,
  opened_at: "2026-03-01T11:30:00Z",
  exit_by: null,
  strategy: "s",
  ...part,
});

/** A market of both symbols, quoted at 20,000 and rising. */
export const risingMarket = (): ScriptedMarket => {
  const market = scriptedMarket();
  for (const symbol of [BTC, ETH]) {
    market.quote(symbol, "20000", "20010", NOW);
    market.trend(symbol, 20000, 0.01, NOW);
  }
  return market;
};

/** Runs one trader tick on such a market, and returns what it told the store. */
export const tickOn = async (market: ScriptedMarket, work: Json, knobs: Json = {}, broker = noBroker) => {
  const config = { TRADER_ENTRY_SCORE: "0", TRADER_COST_FILTER_RATIO: "0", ...knobs };
  const account = { cash: "2000", reserved_cash: "0", free_cash: "2000", opened: true };
  const instruments = [BTC, ETH].map((symbol) => instrument(symbol));
  const store = fakeStore([
    running({ mode: "paper", account, config, instruments, trading_state: { state: "active", reasons: [] }, ...work }),
  ]);
  const result = await runTick(
    "trader-tick",
    traderTick,
    { store, market, brokers: () => broker },
    { slot: null, trigger: "wake" },
  );
  const payload = store.told.find(({ call }) => call === "commit")?.payload ?? {};
  const finished = store.told.find(({ call }) => call === "finish")?.payload ?? {};
  const heartbeats = (finished.heartbeats ?? []) as Json[];
  return {
    result,
    payload,
    heartbeats,
    intents: (payload.intents ?? []) as Json[],
    thoughts: (payload.thoughts ?? []) as Json[],
  };
};
