import type { Side } from "../orders/order.ts";
import { type Amount, type Decimal, decimal, least, roundFee, toAmount, ZERO } from "./decimal.ts";

/** One execution as it is booked: quantity in the base asset, price and fee in USD. */
export interface Fill {
  readonly fillId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly qty: Amount;
  readonly price: Amount;
  readonly fee: Amount;
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

/** Fills folded into lots, first in, first out in the order of booking. */
export interface LotBook {
  readonly booked: Readonly<Record<string, Fill>>;
  readonly lots: readonly Lot[];
  readonly closures: readonly Closure[];
  readonly refused: readonly RefusedFill[];
}

export const EMPTY_LOT_BOOK: LotBook = { booked: {}, lots: [], closures: [], refused: [] };

const isSameFill = (a: Fill, b: Fill): boolean =>
  a.symbol === b.symbol &&
  a.side === b.side &&
  decimal(a.qty).eq(decimal(b.qty)) &&
  decimal(a.price).eq(decimal(b.price)) &&
  decimal(a.fee).eq(decimal(b.fee));

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

const applySell = (book: LotBook, sell: Fill): LotBook => {
  let leftQty = decimal(sell.qty);
  let leftFee = decimal(sell.fee);
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
  const excess: RefusedFill = { code: "sells_more_than_held", fillId: sell.fillId, qty: toAmount(leftQty) };
  return { ...book, lots, closures, refused: leftQty.gt(ZERO) ? [...book.refused, excess] : book.refused };
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
  if (fill.side === "sell") return applySell(next, fill);
  const { fillId, symbol, qty, price, fee } = fill;
  return { ...next, lots: [...next.lots, { fillId, symbol, qty, remainingQty: qty, price, fee }] };
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
