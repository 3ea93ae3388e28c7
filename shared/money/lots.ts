import type { Side } from "../orders/order.ts";
import { type Amount, type Decimal, decimal, least, roundFee, toAmount, ZERO } from "./decimal.ts";

/** One execution as it is booked: quantity in the base asset, price and fee in USD; `feeQty` is what of the fee was taken in the base asset. */
export interface Fill {
  readonly fillId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly qty: Amount;
  readonly price: Amount;
  readonly fee: Amount;
  readonly feeQty?: Amount;
}

/** What is left of a buy; `fee` is the part of the buy's fee that no sell has used up yet. */
export interface Lot {
  readonly fillId: string;
  readonly symbol: string;
  readonly qty: Amount;
  readonly remainingQty: Amount;
  readonly price: Amount;
  readonly fee: Amount;
}

/** A sell that ate (part of) a lot: realized P&L is proceeds less cost less both sides' fees. */
export interface Closure {
  readonly lotFillId: string;
  readonly fillId: string;
  readonly symbol: string;
  readonly qty: Amount;
  readonly proceeds: Amount;
  readonly cost: Amount;
  readonly fees: Amount;
  readonly realizedPnl: Amount;
}

/** A fill that could not be booked whole: it contradicts a booked one, or sells more than is held (`qty` is the excess). */
export interface RefusedFill {
  readonly code: "contradicts_booked_fill" | "sells_more_than_held";
  readonly fillId: string;
  readonly qty: Amount;
}

/** What a sell took beyond what was held when it was booked, and its fee: the next buy, whose fill was told later, covers it. */
export interface UncoveredSell {
  readonly sell: Fill;
  readonly qty: Amount;
  readonly fee: Amount;
}

/** Fills folded into lots, first in, first out in the order of booking. */
export interface LotBook {
  readonly booked: Readonly<Record<string, Fill>>;
  readonly lots: readonly Lot[];
  readonly closures: readonly Closure[];
  readonly uncovered: readonly UncoveredSell[];
  readonly refused: readonly RefusedFill[];
}

export const EMPTY_LOT_BOOK: LotBook = { booked: {}, lots: [], closures: [], uncovered: [], refused: [] };

const isSameFill = (a: Fill, b: Fill): boolean =>
  a.symbol === b.symbol &&
  a.side === b.side &&
  decimal(a.qty).eq(decimal(b.qty)) &&
  decimal(a.price).eq(decimal(b.price)) &&
  decimal(a.fee).eq(decimal(b.fee)) &&
  decimal(a.feeQty ?? "0").eq(decimal(b.feeQty ?? "0"));

/** Returns by how much a fill changes what is held: a fee in coins makes a buy bring that much less, and a sell take that much more. */
export const heldChange = ({ side, qty, feeQty = "0" }: Fill): Amount =>
  toAmount(side === "buy" ? decimal(qty).minus(decimal(feeQty)) : decimal(qty).plus(decimal(feeQty)).neg());

/** The part of a fee that belongs to `part` of `whole`; the last part takes the rest, so that the parts add up. */
const feeShare = (fee: Decimal, part: Decimal, whole: Decimal): Decimal =>
  part.eq(whole) ? fee : roundFee(fee.times(part).div(whole));

const close = (lot: Lot, sell: Fill, qty: Decimal, sellFee: Decimal): { lot: Lot; closure: Closure } => {
  const remaining = decimal(lot.remainingQty);
  const buyFee = feeShare(decimal(lot.fee), qty, remaining);
  const proceeds = qty.times(decimal(sell.price));
  const cost = qty.times(decimal(lot.price));
  const fees = buyFee.plus(sellFee);
  return {
    lot: { ...lot, remainingQty: toAmount(remaining.minus(qty)), fee: toAmount(decimal(lot.fee).minus(buyFee)) },
    closure: {
      lotFillId: lot.fillId,
      fillId: sell.fillId,
      symbol: sell.symbol,
      qty: toAmount(qty),
      proceeds: toAmount(proceeds),
      cost: toAmount(cost),
      fees: toAmount(fees),
      realizedPnl: toAmount(proceeds.minus(cost).minus(fees)),
    },
  };
};

/** Eats lots with (the rest of) a sell; what is left of it becomes uncovered. */
const eatLots = (book: LotBook, { sell, qty: sold, fee }: UncoveredSell): LotBook => {
  let leftQty = decimal(sold);
  let leftFee = decimal(fee);
  const lots: Lot[] = [];
  const closures: Closure[] = [...book.closures];
  for (const lot of book.lots) {
    const qty = lot.symbol === sell.symbol ? least(leftQty, decimal(lot.remainingQty)) : ZERO;
    if (qty.eq(ZERO)) {
      lots.push(lot);
      continue;
    }
    const sellFee = feeShare(leftFee, qty, leftQty);
    const closed = close(lot, sell, qty, sellFee);
    leftQty = leftQty.minus(qty);
    leftFee = leftFee.minus(sellFee);
    closures.push(closed.closure);
    if (decimal(closed.lot.remainingQty).gt(ZERO)) lots.push(closed.lot);
  }
  const rest: UncoveredSell = { sell, qty: toAmount(leftQty), fee: toAmount(leftFee) };
  return { ...book, lots, closures, uncovered: leftQty.gt(ZERO) ? [...book.uncovered, rest] : book.uncovered };
};

const applySell = (book: LotBook, sell: Fill): LotBook => {
  const next = eatLots(book, { sell, qty: toAmount(decimal(heldChange(sell)).neg()), fee: sell.fee });
  const rest = next.uncovered[book.uncovered.length];
  if (rest === undefined) return next;
  return { ...next, refused: [...book.refused, { code: "sells_more_than_held", fillId: sell.fillId, qty: rest.qty }] };
};

const applyBuy = (book: LotBook, buy: Fill): LotBook => {
  const { fillId, symbol, price, fee } = buy;
  const qty = heldChange(buy);
  const opened = {
    ...book,
    lots: [...book.lots, { fillId, symbol, qty, remainingQty: qty, price, fee }],
    uncovered: [],
  };
  return book.uncovered.reduce<LotBook>(eatLots, opened);
};

/** Books one fill; the same fill again changes nothing, a different one under its id is refused. */
export const applyFill = (book: LotBook, fill: Fill): LotBook => {
  const known = book.booked[fill.fillId];
  if (known !== undefined) {
    if (isSameFill(known, fill)) return book;
    const contradiction: RefusedFill = { code: "contradicts_booked_fill", fillId: fill.fillId, qty: fill.qty };
    return { ...book, refused: [...book.refused, contradiction] };
  }
  const next = { ...book, booked: { ...book.booked, [fill.fillId]: fill } };
  return fill.side === "sell" ? applySell(next, fill) : applyBuy(next, fill);
};

/** Folds fills, in the order in which they were booked, into open lots and realized P&L. */
export const foldFills = (fills: readonly Fill[]): LotBook => fills.reduce(applyFill, EMPTY_LOT_BOOK);

/** Returns the sum of the realized P&L in USD. */
export const realizedPnl = (book: LotBook): Amount =>
  toAmount(book.closures.reduce((sum, closure) => sum.plus(decimal(closure.realizedPnl)), ZERO));

/** Returns the quantity of a symbol that is still held in lots. */
export const heldQty = (book: LotBook, symbol: string): Amount =>
  toAmount(
    book.lots.filter((lot) => lot.symbol === symbol).reduce((sum, lot) => sum.plus(decimal(lot.remainingQty)), ZERO),
  );
