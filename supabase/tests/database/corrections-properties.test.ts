import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decimal, toAmount } from "../../../shared/money/decimal.ts";
import { type Fill, foldFills, heldQty, realizedPnl } from "../../../shared/money/lots.ts";
import type { TestDatabase } from "../support/database.ts";
import {
  apply,
  asEngine,
  brokenInvariants,
  brokerFill,
  handOver,
  openBooks,
  orderOf,
  positionOf,
  report,
} from "./money-fixture.ts";
import { amount, listSymbol, plain } from "./properties-fixture.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openBooks();
});
afterAll(() => db.drop());

const figures = { qty: amount(5_000_000, 6), price: amount(9_000_000, 3), fee: amount(1_000_000, 8) };
let run = 0;
const newSymbol = () => {
  run += 1;
  return listSymbol(db, `C${run}X-USD`);
};

interface Told {
  id: string;
  fill: Fill;
}

const tell = async (symbol: string, list: readonly Fill[]): Promise<Told[]> => {
  const told: Told[] = [];
  for (const fill of list) {
    const id = await handOver(db, { side: fill.side, symbol, qty: fill.qty, price: "1" });
    const cumulative = { filled_qty: fill.qty, average_price: fill.price, fee: fill.fee };
    const fills = [brokerFill(fill.fillId, fill.qty, fill.price, fill.fee)];
    await apply(db, report(id, { state: "filled", ...cumulative, fills }));
    told.push({ id, fill });
  }
  return told;
};

const correct = (id: string, qty: string, price: string, fee: string) =>
  asEngine(
    db,
    (sql) =>
      sql`select private.correct_order(${id}, ${qty}, ${qty === "0" ? null : price}, ${qty === "0" ? null : fee}, 'seen', null, 'operator:o')`,
  );

/** The symbol's books in SQL, taken-back closures netted away. */
const booksOf = async (symbol: string) => {
  const lots = await db.sql`
    select f.fill_id, l.qty, l.remaining_qty, l.remaining_fee, l.price from public.position_lots as l
    join public.crypto_fills as f on f.id = l.fill_id where l.symbol = ${symbol} and l.remaining_qty > 0 order by l.id`;
  const closures = await db.sql`
    select b.fill_id as lot, s.fill_id as sell, sum(c.qty) as qty, sum(c.proceeds) as proceeds, sum(c.cost) as cost, sum(c.fees) as fees,
      sum(c.realized_pnl) as pnl
    from public.lot_closures as c join public.position_lots as l on l.id = c.lot_id
    join public.crypto_fills as b on b.id = l.fill_id join public.crypto_fills as s on s.id = c.fill_id
    where c.symbol = ${symbol} group by b.fill_id, s.fill_id having sum(c.qty) <> 0 order by 1, 2`;
  const uncovered = await db.admin`
    select f.fill_id, u.qty, u.fee from private.uncovered_sells as u join public.crypto_fills as f on f.id = u.fill_id
    where u.symbol = ${symbol} order by f.seq`;
  const [money] = await db.sql`
    select coalesce(sum(l.amount), 0) as cash from public.cash_ledger as l join public.crypto_fills as f on f.id = l.fill_id
    where f.symbol = ${symbol}`;
  const position = await positionOf(db, symbol);
  const sorted = (rows: string[][]) => rows.sort((a, b) => a.join().localeCompare(b.join()));
  return {
    lots: lots.map((l) => [l.fill_id, plain(l.qty), plain(l.remaining_qty), plain(l.remaining_fee), plain(l.price)]),
    closures: sorted(closures.map((c) => [c.lot, c.sell, ...[c.qty, c.proceeds, c.cost, c.fees, c.pnl].map(plain)])),
    uncovered: uncovered.map((u) => [u.fill_id, plain(u.qty), plain(u.fee)]),
    cash: plain(money?.cash),
    position: [plain(position?.qty), plain(position?.realized_pnl), plain(position?.fees), plain(position?.cost_basis)],
  };
};

/** The same books by the pure twin, told the truth at once. */
const twinOf = (symbol: string, truth: readonly Fill[]) => {
  const fills = truth.filter((fill) => fill.qty !== "0");
  const book = foldFills(fills);
  const sum = (of: (fill: Fill) => ReturnType<typeof decimal>) =>
    toAmount(fills.reduce((total, fill) => total.plus(of(fill)), decimal("0")));
  const notional = (fill: Fill) => decimal(fill.qty).times(decimal(fill.price));
  const sorted = (rows: string[][]) => rows.sort((a, b) => a.join().localeCompare(b.join()));
  return {
    lots: book.lots.map((l) =>
      [l.fillId, l.qty, l.remainingQty, l.fee, l.price].map((v, i) => (i === 0 ? v : plain(v))),
    ),
    closures: sorted(
      book.closures.map((c) => [
        c.lotFillId,
        c.fillId,
        ...[c.qty, c.proceeds, c.cost, c.fees, c.realizedPnl].map(plain),
      ]),
    ),
    uncovered: book.uncovered.map((u) => [u.sell.fillId, u.qty, plain(u.fee)]),
    cash: sum((fill) =>
      (fill.side === "buy" ? notional(fill).times(decimal("-1")) : notional(fill)).minus(decimal(fill.fee)),
    ),
    position: [
      heldQty(book, symbol),
      realizedPnl(book),
      sum((fill) => decimal(fill.fee)),
      toAmount(
        book.lots.reduce((total, lot) => total.plus(decimal(lot.remainingQty).times(decimal(lot.price))), decimal("0")),
      ),
    ],
  };
};

describe("a correction", () => {
  it("ends in the very books of the pure twin that was told the truth at once, whatever is corrected, in whatever order", async () => {
    const trades = fc.array(fc.record({ side: fc.constantFrom("buy" as const, "sell" as const), ...figures }), {
      minLength: 1,
      maxLength: 7,
    });
    const changes = fc.array(
      fc.record({
        pick: fc.nat(),
        kind: fc.constantFrom("busted", "less", "price", "fee", "all"),
        part: fc.integer({ min: 1, max: 99 }),
        ...figures,
      }),
      { minLength: 1, maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(trades, changes, async (list, corrections) => {
        const symbol = await newSymbol();
        const truth = list.map((each, index): Fill => ({ ...each, symbol, fillId: `c${run}-${index}` }));
        const told = await tell(symbol, truth);
        for (const { pick, kind, part, price, fee } of corrections) {
          const index = pick % told.length;
          const was = told[index]?.fill as Fill;
          const less = toAmount(
            decimal(was.qty)
              .times(decimal(String(part)))
              .div(decimal("100")),
          );
          const right: Fill = {
            ...was,
            qty: kind === "busted" ? "0" : kind === "less" || kind === "all" ? less : was.qty,
            price: kind === "price" || kind === "all" ? price : was.price,
            fee: kind === "busted" ? "0" : kind === "fee" || kind === "all" ? fee : was.fee,
          };
          if (right.qty !== "0" && decimal(right.fee).gt(decimal(right.qty).times(decimal(right.price)))) continue;
          await correct(told[index]?.id ?? "", right.qty, right.price, right.fee);
          truth[index] = right;
        }
        expect(await booksOf(symbol)).toEqual(twinOf(symbol, truth));
        // What is told afterwards comes to the right lots, too, and what was told at first is no news.
        const more: Fill = { side: "sell", qty: "1.5", price: "7", fee: "0.01", symbol, fillId: `c${run}-more` };
        await tell(symbol, [more]);
        for (const { id, fill } of told) {
          const fills = [brokerFill(fill.fillId, fill.qty, fill.price, fill.fee)];
          await apply(
            db,
            report(id, { state: "filled", filled_qty: fill.qty, average_price: fill.price, fee: fill.fee, fills }),
          );
          expect(await orderOf(db, id)).toMatchObject({ unresolved: false });
        }
        expect(await booksOf(symbol)).toEqual(twinOf(symbol, [...truth, more]));
        await asEngine(
          db,
          (sql) =>
            sql`update public.crypto_orders set next_action_at = null, watch_until = null where symbol = ${symbol}`,
        );
      }),
      { numRuns: 15 },
    );
    expect(await brokenInvariants(db)).toBe(0);
  }, 240_000);

  it("goes round what was adopted from the broker, which stays what it was", async () => {
    const symbol = await newSymbol();
    const fill = (index: number, side: "buy" | "sell", qty: string, price: string): Fill => ({
      fillId: `a${run}-${index}`,
      side,
      qty,
      price,
      fee: "0",
      symbol,
    });
    await asEngine(
      db,
      (sql) => sql`
        insert into public.quotes (symbol, bid, ask, source, observed_at) values (${symbol}, 50, 50, 'test', private.clock())`,
    );
    const [bought] = await tell(symbol, [fill(1, "buy", "1", "40")]);
    await tell(symbol, [fill(2, "sell", "1.5", "60")]);
    await db.advanceClock(1);
    await asEngine(db, async (sql) => {
      await sql`select private.lock_accounts()`;
      await sql`select private.adopt_difference('paper', ${symbol}, 2)`;
      await sql`select private.adopt_difference('paper', ${symbol}, -0.5)`;
    });
    await db.advanceClock(1);
    await tell(symbol, [fill(3, "buy", "1", "70"), fill(4, "sell", "0.25", "80")]);
    expect((await booksOf(symbol)).position.slice(0, 2)).toEqual(["2.25", "27.5"]);
    await correct(bought?.id ?? "", "0.5", "44", "0");
    // Half a coin less was bought: that half of the sale waits for the next buy, and eats the oldest coins then, the adopted ones.
    expect((await booksOf(symbol)).position.slice(0, 2)).toEqual(["1.75", "20.5"]);
    await correct(bought?.id ?? "", "1", "40", "0");
    expect((await booksOf(symbol)).position.slice(0, 2)).toEqual(["2.25", "27.5"]);
    expect(await brokenInvariants(db)).toBe(0);
  });
});
