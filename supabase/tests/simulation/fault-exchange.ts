import {
  type ExchangeEvent,
  type ExchangeRules,
  type ExchangeState,
  openExchange,
  type PaperOrder,
  stepExchange,
} from "../../../shared/broker/paper/exchange.ts";
import type { OrderRequest } from "../../../shared/broker/port.ts";
import { Absence } from "./absence.ts";
import type { Dice } from "./dice.ts";
import { answerBook } from "./exchange-books.ts";
import { type Answer, DROP, json, problem, SILENCE } from "./exchange-server.ts";
import * as faults from "./faults.ts";
import { fillInFull, fillInPart } from "./forced-fills.ts";
import {
  type Hiding,
  listsItsFills,
  orderFrom,
  rejectedJson,
  repeatsItsFills,
  reportJson,
  shownReport,
} from "./report-json.ts";
import { type SimulatedMarket, STEP_MS } from "./simulated-market.ts";

/** What the exchange needs to know of its world. */
export interface FaultExchangeOptions {
  readonly dice: Dice;
  readonly market: SimulatedMarket;
  readonly rules: ExchangeRules;
  readonly cash: string;
  readonly now: () => number;
  readonly trace: (line: string) => void;
}

type Operation = "place" | "get" | "cancel";
const WEIGHTS = { place: faults.PLACE_FAULTS, get: faults.GET_FAULTS, cancel: faults.CANCEL_FAULTS } as const;

/**
 * The paper exchange behind HTTP, on a network and with a back office that fail as real ones do. A fault depends on the
 * seed, the n-th order of the symbol, the operation and its n-th call, never on what else goes on.
 */
export class FaultExchange {
  readonly faults = new faults.FaultCounts();
  /** Names of orders whose placement arrived more than once. */
  readonly sentTwice: string[] = [];
  readonly absence = new Absence();
  faultsOn = true;
  state: ExchangeState;
  readonly #options: FaultExchangeOptions;
  readonly #names = new Map<string, string>();
  readonly #placed = new Map<string, number>();
  readonly #calls = new Map<string, number>();
  readonly #seen = new Set<string>();
  readonly #rejected = new Map<string, OrderRequest>();
  readonly #invisibleUntil = new Map<string, number>();
  readonly #toldLate = new Map<string, { readonly from: number; readonly until: number }>();

  constructor(options: FaultExchangeOptions) {
    this.#options = options;
    this.state = openExchange(options.cash, options.now());
  }

  /** Shows the exchange every price up to now; what has no open order misses nothing between two looks. */
  catchUp(): void {
    const end = this.#options.now();
    const openOrders = Object.values(this.state.orders).filter(faults.isOpen);
    const open = new Set(openOrders.map(({ symbol }) => symbol));
    const next = open.size > 0 ? Math.floor(this.state.clock / STEP_MS) * STEP_MS + STEP_MS : end;
    for (let at = next; at < end; at += STEP_MS) for (const symbol of open) this.#showPrice(symbol, at);
    if (end > this.state.clock || Object.keys(this.state.market).length === 0)
      for (const symbol of Object.keys(this.#options.rules.instruments)) this.#showPrice(symbol, end);
  }

  /** A short name of an order, the same in every run of a seed. */
  nameOf(clientOrderId: string): string {
    return this.#names.get(clientOrderId) ?? clientOrderId.slice(0, 8);
  }

  /** Tells whether the next such call will never be answered. */
  willBeSilent(operation: Operation, order: OrderRequest | string): boolean {
    const name = typeof order === "string" ? this.nameOf(order) : this.#nextName(order);
    if (!this.faultsOn || faults.isOutage(this.#options.dice, this.#options.now())) return false;
    return faults.SILENT.has(this.#fate(operation, name, (this.#calls.get(`${operation}:${name}`) ?? 0) + 1));
  }

  /** Answers a request as the exchange and its network do. */
  readonly answer = (method: string, [collection = "", id, verb]: readonly string[], body: string): Answer => {
    this.catchUp();
    const request = collection === "orders" && method === "POST" && !id ? orderFrom(body) : null;
    const isOrder = request !== null || (collection === "orders" && id !== undefined);
    if (this.faultsOn && faults.isOutage(this.#options.dice, this.#options.now())) {
      const state = faults.stateAtExchange(this.state.orders[request?.clientOrderId ?? id ?? ""]);
      this.faults.note(`outage at ${verb ?? (request ? "place" : "look-up")}`, isOrder ? state : collection);
      this.#options.trace(`    exchange: out of reach`);
      return DROP;
    }
    if (request) return this.#place(request);
    if (!id) return this.#book(collection);
    return method === "POST" ? this.#cancel(id) : this.#get(id);
  };

  #place(order: OrderRequest): Answer {
    const name = this.#nextName(order);
    if (this.#seen.has(order.clientOrderId)) this.sentTwice.push(name);
    else this.#placed.set(order.symbol, (this.#placed.get(order.symbol) ?? 0) + 1);
    this.#names.set(order.clientOrderId, name);
    this.#seen.add(order.clientOrderId);
    const fault = this.#draw("place", name, `${order.side} ${order.qty} at ${order.limitPrice}`, undefined);
    if (fault === "lost_before") return DROP;
    if (fault === "throttled" || fault === "error_500") return faults.failure(fault);
    if (fault === "refused") return problem(422, "insufficient_buying_power");
    if (fault === "rejected_then_dropped") {
      if (this.#options.dice.roll("remembers", name) < 0.5) this.#rejected.set(order.clientOrderId, order);
      return DROP;
    }
    const done = this.#step({ type: "place", at: this.#options.now(), order });
    if (done.error) return problem(422, "refused", done.error.message);
    if (fault === "accepted_then_invisible")
      this.#invisibleUntil.set(order.clientOrderId, this.#options.now() + faults.invisibleMs(this.#options.dice, name));
    if (fault === "accepted_then_dropped" || fault === "accepted_then_invisible") return DROP;
    if (fault === "accepted_then_500") return faults.failure("error_500");
    if (fault === "accepted_then_garbage") return { kind: "garbage", body: "<html>gateway" };
    return fault === "accepted_then_silence" ? SILENCE : this.#report(order.clientOrderId, 201);
  }

  #get(id: string): Answer {
    const order = this.state.orders[id];
    const fault = this.#draw("get", this.nameOf(id), `${order?.filledQty ?? 0} of ${order?.qty ?? "?"}`, order);
    if (fault === "dropped") return DROP;
    if (fault === "silence") return SILENCE;
    if (fault === "throttled" || fault === "error_500") return faults.failure(fault);
    if (fault === "garbage") return { kind: "garbage", body: '{"client_order_id": "' };
    const rejected = this.#rejected.get(id);
    if (rejected) return json(200, rejectedJson(rejected, this.#options.now()));
    const isHidden = this.#isHidden(id);
    if (isHidden) this.faults.note("delayed_visibility", faults.stateAtExchange(order));
    if (!order || isHidden || fault === "not_visible") return this.#notFound(id);
    if (fault === "partly_filled_meanwhile") this.state = fillInPart(this.state, id, this.#options);
    return this.#report(id, 200, fault === "out_of_date" ? 20_000 : 0);
  }

  #cancel(id: string): Answer {
    const order = this.state.orders[id];
    const fault = this.#draw("cancel", this.nameOf(id), "", order);
    if (fault === "lost_before") return DROP;
    if (fault === "throttled" || fault === "error_500") return faults.failure(fault);
    if (!order || this.#isHidden(id)) return this.#notFound(id);
    if (fault === "refused") return problem(409, "cancel_refused", "try again");
    if (fault.startsWith("filled_")) this.state = fillInFull(this.state, id, this.#options);
    if (fault.startsWith("partly_filled_")) this.state = fillInPart(this.state, id, this.#options);
    const now = this.#options.now();
    if (fault.endsWith("told_late") && this.state.orders[id] !== order)
      this.#toldLate.set(id, { from: now, until: now + faults.toldLateMs(this.#options.dice, this.nameOf(id)) });
    const done = this.#step({ type: "cancel", at: now, clientOrderId: id });
    if (fault === "done_then_dropped") return DROP;
    if (fault === "done_then_silence") return SILENCE;
    if (done.error && !fault.endsWith("told_late")) return problem(409, "order_closed", done.error.message);
    return json(202, { client_order_id: id });
  }

  #book(collection: string): Answer {
    const now = this.#options.now();
    const nth = this.#nth(collection);
    const fault = this.faultsOn ? this.#options.dice.pick(faults.BOOK_FAULTS, "fault", collection, nth) : "none";
    this.faults.note(fault, collection);
    if (fault !== "none") this.#options.trace(`    exchange: ${collection}  ⚡ ${fault}`);
    if (fault === "dropped") return DROP;
    if (fault === "error_500") return faults.failure(fault);
    const off = this.faultsOn ? faults.booksOff(this.#options.dice, now, collection) : null;
    if (off !== null) this.faults.note("books are off", off);
    const show = (order: PaperOrder) =>
      this.#isHidden(order.clientOrderId) ? null : shownReport(order, now, this.#hiding(order.clientOrderId, 0));
    return answerBook(collection, this.state, this.#options, show, off);
  }

  #report(id: string, status: number, extraLagMs = 0): Answer {
    const order = this.state.orders[id];
    if (!order) return problem(404, "order_not_found");
    const report = shownReport(order, this.#options.now(), this.#hiding(id, extraLagMs));
    if (report.filledQty !== order.filledQty) this.faults.note("fill_not_shown_yet", report.state);
    if (repeatsItsFills(order) && report.fills.length > 0)
      this.faults.note("fills_doubled_and_backwards", report.state);
    if (!listsItsFills(order) && report.fills.length > 0) this.faults.note("fills_without_ids", report.state);
    return json(status, reportJson(report));
  }

  #notFound(id: string): Answer {
    this.absence.noteNotFound(id, this.#options.now());
    return problem(404, "order_not_found");
  }

  #isHidden(id: string): boolean {
    return this.faultsOn && (this.#invisibleUntil.get(id) ?? 0) > this.#options.now();
  }

  #hiding(id: string, extraMs: number): Hiding {
    const late = this.#toldLate.get(id);
    if (!this.faultsOn) return { lagMs: 0, toldLateFrom: null };
    const lagMs = faults.reportLagMs(this.#options.dice, this.nameOf(id)) + extraMs;
    return { lagMs, toldLateFrom: late && late.until > this.#options.now() ? late.from : null };
  }

  #nextName({ clientOrderId, symbol }: OrderRequest): string {
    const known = this.#names.get(clientOrderId);
    return known ?? `${symbol.split("-")[0]}#${(this.#placed.get(symbol) ?? 0) + 1}`;
  }

  #nth(call: string): number {
    const nth = (this.#calls.get(call) ?? 0) + 1;
    this.#calls.set(call, nth);
    return nth;
  }

  #fate(operation: Operation, name: string, nth: number): string {
    return this.faultsOn ? this.#options.dice.pick<string>(WEIGHTS[operation], "fault", operation, name, nth) : "none";
  }

  #draw(operation: Operation, name: string, what: string, order: PaperOrder | undefined): string {
    const key = `${operation}:${name}`;
    const nth = this.#nth(key);
    const drawn = this.#fate(operation, name, nth);
    const fault = drawn.includes("filled_") && order?.status !== "resting" ? "none" : drawn;
    const state = operation === "place" ? "new" : faults.stateAtExchange(order);
    if (fault !== "none") this.faults.note(`${operation} ${fault}`, state);
    this.#options.trace(
      `    exchange: ${operation} ${name} (${state}) ${what}${fault === "none" ? "" : `  ⚡ ${fault}`}`,
    );
    return fault;
  }

  #step(event: ExchangeEvent): ReturnType<typeof stepExchange> {
    const done = stepExchange(this.state, event, this.#options.rules);
    this.state = done.state;
    return done;
  }

  #showPrice(symbol: string, at: number): void {
    this.#step({ type: "quote", at, quote: this.#options.market.quoteAt(symbol, at) });
  }
}
