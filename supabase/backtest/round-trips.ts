import { type Amount, type Decimal, decimal, toAmount, ZERO } from "../../shared/money/decimal.ts";
import type { BacktestFill } from "./backtest-facts.ts";

/** A position from its first buy until nothing is left, net of the fees of both sides. */
export interface RoundTrip {
  readonly symbol: string;
  readonly openedMs: number;
  readonly closedMs: number;
  readonly bought: Amount;
  readonly pnl: Amount;
}

interface Holding {
  readonly openedMs: number;
  readonly qty: Decimal;
  readonly bought: Decimal;
  readonly cash: Decimal;
}

/** Pairs fills, in the order they happened, into finished round trips; what is still held at the end makes none. */
export function roundTrips(fills: readonly BacktestFill[]): RoundTrip[] {
  const held = new Map<string, Holding>();
  const trips: RoundTrip[] = [];
  for (const fill of fills) {
    const after = afterFill(held.get(fill.symbol), fill);
    held.set(fill.symbol, after);
    if (after.qty.gt(ZERO)) continue;
    held.delete(fill.symbol);
    const { openedMs, bought, cash } = after;
    trips.push({ symbol: fill.symbol, openedMs, closedMs: fill.atMs, bought: toAmount(bought), pnl: toAmount(cash) });
  }
  return trips;
}

function afterFill(before: Holding | undefined, fill: BacktestFill): Holding {
  const { openedMs, qty, bought, cash } = before ?? { openedMs: fill.atMs, qty: ZERO, bought: ZERO, cash: ZERO };
  const amount = decimal(fill.qty).times(decimal(fill.price));
  const fee = decimal(fill.fee);
  if (fill.side === "buy") {
    return {
      openedMs,
      qty: qty.plus(decimal(fill.qty)),
      bought: bought.plus(amount),
      cash: cash.minus(amount).minus(fee),
    };
  }
  return { openedMs, qty: qty.minus(decimal(fill.qty)), bought, cash: cash.plus(amount).minus(fee) };
}
