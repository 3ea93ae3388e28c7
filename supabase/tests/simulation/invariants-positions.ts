import { type Decimal, decimal, ZERO } from "../../../shared/money/decimal.ts";
import type { Check } from "./invariants.ts";
import type { World } from "./world.ts";

interface HeldMove {
  readonly symbol: string;
  readonly side: "buy" | "sell";
  readonly qty: string;
  readonly fee_qty: string;
  readonly price: string;
  readonly revision: number;
  readonly intent_group_id: string;
  readonly min_qty: string;
  readonly min_notional: string;
}

/** Dust by a margin, so that it does not matter which bid it was judged at. */
const CLEARLY = 1.4;

type Size = "dust" | "held" | "unclear";
const sizeOf = (qty: Decimal, { price, min_qty, min_notional }: HeldMove): Size => {
  const worth = Number(qty.toFixed()) * Number(price);
  if (qty.lt(decimal(min_qty)) || worth < Number(min_notional) / CLEARLY) return "dust";
  return worth > Number(min_notional) * CLEARLY ? "held" : "unclear";
};

/** For each symbol the intent that opened what is held: its first buy after there was nothing but dust; null when that is not clear. */
async function openingIntents({ admin }: World): Promise<ReadonlyMap<string, string | null>> {
  const moves = await admin<HeldMove[]>`
    select f.symbol, f.side, f.qty, f.fee_qty, f.price, f.revision, o.intent_group_id, i.min_qty, i.min_notional
    from public.crypto_fills as f join public.crypto_orders as o on o.id = f.order_id join public.instruments as i on i.symbol = f.symbol
    where f.mode = 'paper' order by f.seq`;
  const held = new Map<string, Decimal>();
  const opened = new Map<string, string | null>();
  for (const move of moves) {
    const before = held.get(move.symbol) ?? ZERO;
    const [qty, feeQty] = [decimal(move.qty), decimal(move.fee_qty)];
    held.set(move.symbol, move.side === "buy" ? before.plus(qty).minus(feeQty) : before.minus(qty).minus(feeQty));
    if (move.revision > 0 && !qty.eq(ZERO)) opened.set(move.symbol, null);
    else if (move.side === "buy") {
      const size = sizeOf(before, move);
      if (size === "dust") opened.set(move.symbol, move.intent_group_id);
      else if (size === "unclear") opened.set(move.symbol, null);
    }
  }
  return opened;
}

/** Dust decides nothing: engine, strategy, deadline and stop of what is held are those of the intent that opened it last. */
export const positionsOpenAnew: Check = async (world) => {
  const positions = await world.admin`
    select p.symbol, p.engine, p.strategy, p.stop_price, p.trail_armed, p.exit_by from public.positions as p
    where p.mode = 'paper' and private.is_held(p.mode, p.symbol) order by p.symbol`;
  if (positions.length === 0) return [];
  const opened = await openingIntents(world);
  const intents = await world.admin`
    select i.id, i.engine, i.strategy, (i.metadata ->> 'stop_price')::numeric as stop_price, (i.metadata ->> 'exit_by')::timestamptz as exit_by
    from public.order_intents as i where i.id = any (${[...opened.values()].filter((id) => id !== null)}::uuid[])`;
  const said = new Map(intents.map((intent) => [intent.id, intent]));
  return positions.flatMap((position) => {
    const intent = said.get(opened.get(String(position.symbol)));
    if (!intent || isOpenedBy(position, intent)) return [];
    return [
      `the position in ${position.symbol} is not that of its opening: ${inWords(position)}; its opening intent says ${inWords(intent)}`,
    ];
  });
};

type Row = Readonly<Record<string, unknown>>;

const isOpenedBy = (position: Row, intent: Row): boolean => {
  const [stop, first] = [Number(position.stop_price ?? 0), Number(intent.stop_price ?? 0)];
  return (
    position.engine === intent.engine &&
    position.strategy === intent.strategy &&
    Number(position.exit_by ?? 0) === Number(intent.exit_by ?? 0) &&
    (position.trail_armed ? stop >= first : stop === first)
  );
};

const inWords = ({ engine, stop_price, exit_by }: Row): string =>
  `${engine}, stop ${stop_price ?? "none"}, until ${exit_by instanceof Date ? exit_by.toISOString() : "any time"}`;
