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
import { BackOffice } from "./back-office.ts";
import type { Dice } from "./dice.ts";
import { answerBook } from "./exchange-books.ts";
import { marketEvents } from "./exchange-feed.ts";
import { type Answer, DROP, json, problem, SILENCE } from "./exchange-server.ts";
import { endOrder, forgetOrder } from "./executions.ts";
import * as faults from "./faults.ts";
import { fillInFull, fillInPart, leaveDust } from "./forced-fills.ts";
import { ReportDesk } from "./report-desk.ts";
import { orderFrom, rejectedJson } from "./report-json.ts";
import type { SeedTraits } from "./seed-traits.ts";
import type { SimulatedMarket } from "./simulated-market.ts";

/** What the exchange needs to know of its world. */
export interface FaultExchangeOptions {
  readonly dice: Dice;
  readonly market: SimulatedMarket;
  readonly rules: ExchangeRules;
  readonly cash: string;
  readonly traits: SeedTraits;
  readonly now: () => number;
  readonly trace: (line: string) => void;
}

/**
 * The paper exchange behind HTTP, on a network and with a back office that fail as real ones do. A fault depends on the
 * seed, the n-th order of the symbol, the operation and its n-th call, never on what else goes on.
 */
export class FaultExchange {
  readonly faults = new faults.FaultCounts();
  /** Names of orders whose placement arrived more than once. */
  readonly sentTwice: string[] = [];
  readonly absence = new Absence();
  readonly backOffice: BackOffice;
  readonly desk: ReportDesk;
  /** Orders whose average a person has told, rounded. */
  readonly approximated = new Set<string>();
  /** When each order was looked up. */
  readonly lookedUp = new Map<string, number[]>();
  faultsOn = true;
  state: ExchangeState;
  readonly #options: FaultExchangeOptions;
  readonly #names = new Map<string, string>();
  readonly #placed = new Map<string, number>();
  readonly #calls = new Map<string, number>();
  readonly #seen = new Set<string>();
  readonly #rejected = new Map<string, OrderRequest>();
  readonly #invisibleUntil = new Map<string, number>();

  constructor(options: FaultExchangeOptions) {
    this.#options = options;
    const about = {
      ...options,
      nameOf: (id: string) => this.nameOf(id),
      note: (fault: string, state: string) => this.faults.note(fault, state),
    };
    this.backOffice = new BackOffice(about, options.now());
    this.desk = new ReportDesk({ ...about, backOffice: this.backOffice });
    const holdings = this.backOffice.outside.opening((symbol) => options.market.quoteAt(symbol, options.now()).bid);
    this.state = { ...openExchange(options.cash, options.now()), holdings };
  }

  /** Shows the exchange the market up to now, and lets its back office do what is due. */
  catchUp(): void {
    const { market, rules, now, traits } = this.#options;
    const symbols = Object.keys(rules.instruments);
    for (const event of marketEvents(this.state, market, symbols, now(), traits.candlesOnly)) this.#step(event);
    if (this.faultsOn) this.state = this.backOffice.passTime(this.state, now());
  }

  /** A short name of an order, the same in every run of a seed. */
  nameOf(clientOrderId: string): string {
    return this.#names.get(clientOrderId) ?? clientOrderId.slice(0, 8);
  }

  /** Tells whether the next such call will never be answered. */
  willBeSilent(operation: faults.Operation, order: OrderRequest | string): boolean {
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
    return fault === "accepted_then_silence" ? SILENCE : this.#tell(order.clientOrderId, 201);
  }

  #get(id: string): Answer {
    const order = this.state.orders[id];
    this.lookedUp.set(id, [...(this.lookedUp.get(id) ?? []), this.#options.now()]);
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
    if (fault === "partly_filled_meanwhile") this.#become(fillInPart(this.state, id, this.#options));
    if (fault === "dust_left") this.#become(leaveDust(this.state, id, this.#options));
    if (fault === "vanished") {
      this.state = forgetOrder(this.state, id);
      return this.#notFound(id);
    }
    return this.#tell(id, 200, fault === "out_of_date" ? 20_000 : 0);
  }

  #cancel(id: string): Answer {
    const order = this.state.orders[id];
    const fault = this.#draw("cancel", this.nameOf(id), "", order);
    if (fault === "lost_before") return DROP;
    if (fault === "throttled" || fault === "error_500") return faults.failure(fault);
    if (!order || this.#isHidden(id)) return this.#notFound(id);
    if (fault === "refused") return problem(409, "cancel_refused", "try again");
    if (fault.startsWith("filled_")) this.#become(fillInFull(this.state, id, this.#options));
    if (fault.startsWith("partly_filled_")) this.#become(fillInPart(this.state, id, this.#options));
    const now = this.#options.now();
    if (fault.endsWith("told_late") && this.state.orders[id] !== order) this.desk.tellLate(id);
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
      this.#isHidden(order.clientOrderId) ? null : this.desk.tell(order, "list", this.faultsOn);
    return answerBook(collection, this.state, this.#options, show, off);
  }

  #tell(id: string, status: number, extraLagMs = 0): Answer {
    const order = this.state.orders[id];
    if (!order) return problem(404, "order_not_found");
    return json(status, this.desk.tell(order, "look-up", this.faultsOn, extraLagMs));
  }

  #notFound(id: string): Answer {
    this.absence.noteNotFound(id, this.#options.now());
    return problem(404, "order_not_found");
  }

  #isHidden(id: string): boolean {
    return this.faultsOn && (this.#invisibleUntil.get(id) ?? 0) > this.#options.now();
  }

  #nextName({ clientOrderId, symbol }: OrderRequest): string {
    const known = this.#names.get(clientOrderId);
    return known ?? `${symbol.split("-")[0]}#${(this.#placed.get(symbol) ?? 0) + 1}`;
  }

  /** Somebody cancels an order in the exchange's own pages. */
  cancelThere(id: string): void {
    const order = this.state.orders[id];
    if (order && faults.isOpen(order)) this.state = endOrder(this.state, id, "canceled", this.#options.now());
  }

  #nth(call: string): number {
    const nth = (this.#calls.get(call) ?? 0) + 1;
    this.#calls.set(call, nth);
    return nth;
  }

  #fate(operation: faults.Operation, name: string, nth: number): string {
    return this.faultsOn
      ? this.#options.dice.pick<string>(faults.REQUEST_FAULTS[operation], "fault", operation, name, nth)
      : "none";
  }

  #draw(operation: faults.Operation, name: string, what: string, order: PaperOrder | undefined): string {
    const key = `${operation}:${name}`;
    const nth = this.#nth(key);
    const drawn = this.#fate(operation, name, nth);
    const fault = faults.canHappen(drawn, order) ? drawn : "none";
    const state = operation === "place" ? "new" : faults.stateAtExchange(order);
    if (fault !== "none") this.faults.note(`${operation} ${fault}`, state);
    this.#options.trace(
      `    exchange: ${operation} ${name} (${state}) ${what}${fault === "none" ? "" : `  ⚡ ${fault}`}`,
    );
    return fault;
  }

  #step(event: ExchangeEvent): ReturnType<typeof stepExchange> {
    const done = stepExchange(this.state, event, this.#options.rules);
    this.#become(done.state);
    return done;
  }

  /** The next state, in which the back office has taken in what was executed. */
  #become(next: ExchangeState): void {
    this.state = this.backOffice.settle(this.state, next);
  }
}
