import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import {
  balancesOf,
  type ExchangeEvent,
  type ExchangeRules,
  type ExchangeState,
  holdingsOf,
  openExchange,
  stepExchange,
} from "../../../shared/broker/paper/exchange.ts";
import type { OrderRequest } from "../../../shared/broker/port.ts";
import type { Dice } from "./dice.ts";
import { BOOK_FAULTS, CANCEL_FAULTS, FaultCounts, GET_FAULTS, isOutage, PLACE_FAULTS, reportLagMs } from "./faults.ts";
import { fillInFull, fillInPart } from "./forced-fills.ts";
import { reportJson, shownReport } from "./report-json.ts";
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

/** The paper exchange behind HTTP, on a network and with a back office that fail as real ones do. */
export class FaultExchange {
  readonly faults = new FaultCounts();
  /** Names of orders whose placement arrived more than once. */
  readonly sentTwice: string[] = [];
  faultsOn = true;
  state: ExchangeState;
  readonly #options: FaultExchangeOptions;
  readonly #server: Server;
  readonly #names = new Map<string, string>();
  readonly #placed = new Map<string, number>();
  readonly #calls = new Map<string, number>();
  readonly #seen = new Set<string>();
  readonly #invisibleUntil = new Map<string, number>();

  constructor(options: FaultExchangeOptions) {
    this.#options = options;
    this.state = openExchange(options.cash, options.now());
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        options.trace(`exchange broke: ${error instanceof Error ? error.stack : String(error)}`);
        response.destroy();
      });
    });
  }

  /** Starts to listen and returns its address. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Stops listening and drops every connection. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Shows the exchange every price up to now. */
  catchUp(): void {
    const end = this.#options.now();
    let at = Math.floor(this.state.clock / STEP_MS) * STEP_MS + STEP_MS;
    for (; at < end; at += STEP_MS) this.#showPrices(at);
    this.#showPrices(end);
  }

  /** A short name of an order, the same in every run of a seed. */
  nameOf(clientOrderId: string): string {
    return this.#names.get(clientOrderId) ?? clientOrderId.slice(0, 8);
  }

  step(event: ExchangeEvent): ReturnType<typeof stepExchange> {
    const done = stepExchange(this.state, event, this.#options.rules);
    this.state = done.state;
    return done;
  }

  #showPrices(at: number): void {
    for (const symbol of Object.keys(this.#options.rules.instruments)) {
      this.step({ type: "quote", at, quote: this.#options.market.quoteAt(symbol, at) });
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const body = await text(request);
    this.catchUp();
    const { pathname } = new URL(request.url ?? "/", "http://exchange");
    if (this.faultsOn && isOutage(this.#options.dice, this.#options.now())) {
      this.faults.note("outage", "any");
      return response.destroy();
    }
    const [, collection, id, verb] = pathname.split("/");
    if (collection === "orders" && request.method === "POST" && id && verb === "cancel")
      return this.#cancel(id, response);
    if (collection === "orders" && request.method === "POST") return this.#place(JSON.parse(body), response);
    if (collection === "orders" && id) return this.#get(id, response);
    return this.#book(collection ?? "", response);
  }

  #place(body: Record<string, string>, response: ServerResponse): unknown {
    const order = orderFrom(body);
    const known = this.state.orders[order.clientOrderId] !== undefined;
    const name = this.#name(order);
    const fault = this.#draw(PLACE_FAULTS, "place", name);
    this.faults.note(fault, known ? "sent again" : "new");
    this.#say(`place ${name} ${order.side} ${order.qty} at ${order.limitPrice}`, fault);
    if (this.#seen.has(order.clientOrderId)) this.sentTwice.push(name);
    this.#seen.add(order.clientOrderId);
    if (fault === "lost_before") return response.destroy();
    if (fault === "throttled") return reply(response, 429, { code: "rate_limited", message: "slow down" });
    if (fault === "error_500") return reply(response, 500, { code: "server_error", message: "try later" });
    if (fault === "refused")
      return reply(response, 422, { code: "insufficient_buying_power", message: "refused by the fault exchange" });
    const done = this.step({ type: "place", at: this.#options.now(), order });
    if (done.error) return reply(response, 422, { code: "refused", message: done.error.message });
    if (fault === "accepted_then_dropped") return response.destroy();
    if (fault === "accepted_then_500") return reply(response, 500, { code: "server_error", message: "try later" });
    if (fault === "accepted_then_garbage") return response.writeHead(200).end("<html>gateway");
    if (fault === "hung") return;
    if (fault === "accepted_then_invisible") {
      this.#invisibleUntil.set(
        order.clientOrderId,
        this.#options.now() + this.#options.dice.between(5_000, 90_000, "invisible", name),
      );
      return response.destroy();
    }
    this.#answerOrder(order.clientOrderId, response, 201);
  }

  #get(id: string, response: ServerResponse): unknown {
    const name = this.nameOf(id);
    const order = this.state.orders[id];
    const fault = this.#draw(GET_FAULTS, "get", name);
    this.faults.note(fault, order?.status ?? "absent");
    this.#say(`look up ${name} (${order ? `${order.status}, ${order.filledQty} of ${order.qty}` : "absent"})`, fault);
    if (fault === "dropped") return response.destroy();
    if (fault === "throttled") return reply(response, 429, { code: "rate_limited", message: "slow down" });
    if (fault === "error_500") return reply(response, 503, { code: "server_error", message: "try later" });
    if (fault === "garbage") return response.writeHead(200).end('{"client_order_id": "');
    const hidden = this.faultsOn && (this.#invisibleUntil.get(id) ?? 0) > this.#options.now();
    if (hidden) this.faults.note("delayed_visibility", order?.status ?? "absent");
    if (!order || hidden) return reply(response, 404, { code: "order_not_found", message: `no order ${id}` });
    this.#answerOrder(id, response, 200, fault === "out_of_date" ? 20_000 : 0);
  }

  #cancel(id: string, response: ServerResponse): unknown {
    const name = this.nameOf(id);
    const order = this.state.orders[id];
    const fault = this.#draw(CANCEL_FAULTS, "cancel", name);
    this.faults.note(fault, order?.status ?? "absent");
    this.#say(`cancel ${name} (${order?.status ?? "absent"})`, fault);
    if (fault === "lost_before") return response.destroy();
    if (fault === "throttled") return reply(response, 429, { code: "rate_limited", message: "slow down" });
    if (fault === "error_500") return reply(response, 500, { code: "server_error", message: "try later" });
    if (!order) return reply(response, 404, { code: "order_not_found", message: `no order ${id}` });
    if (fault === "refused") return reply(response, 409, { code: "cancel_refused", message: "try again" });
    if (fault === "filled_during") this.state = fillInFull(this.state, id, this.#options);
    if (fault === "partly_filled_then_canceled") this.state = fillInPart(this.state, id, this.#options);
    const done = this.step({ type: "cancel", at: this.#options.now(), clientOrderId: id });
    if (fault === "done_then_dropped") return response.destroy();
    if (done.error) return reply(response, 409, { code: "order_closed", message: done.error.message });
    reply(response, 202, { client_order_id: id });
  }

  #book(collection: string, response: ServerResponse): unknown {
    const { now, market, rules } = this.#options;
    const fault = this.#draw(BOOK_FAULTS, collection, "book");
    this.faults.note(fault, collection);
    this.#say(`read ${collection}`, fault);
    if (fault === "dropped") return response.destroy();
    if (fault === "error_500") return reply(response, 503, { code: "server_error", message: "try later" });
    if (collection === "balances") {
      const { cash, reservedCash } = balancesOf(this.state, now());
      return reply(response, 200, { cash, reserved_cash: reservedCash });
    }
    if (collection === "holdings") return reply(response, 200, holdingsOf(this.state, now()).quantities);
    if (collection === "orders") {
      const open = Object.values(this.state.orders).filter(
        ({ status }) => status === "pending" || status === "resting",
      );
      return reply(
        response,
        200,
        open.map((order) => reportJson(shownReport(order, now(), this.#lag(order.clientOrderId, 0)))),
      );
    }
    const quotes = Object.keys(rules.instruments).map((symbol) => market.quoteAt(symbol, now()));
    reply(
      response,
      200,
      quotes.map(({ symbol, bid, ask }) => ({ symbol, bid, ask, observed_at: new Date(now()).toISOString() })),
    );
  }

  #answerOrder(id: string, response: ServerResponse, status: number, extraLagMs = 0): unknown {
    const order = this.state.orders[id];
    if (!order) return reply(response, 404, { code: "order_not_found", message: `no order ${id}` });
    const report = shownReport(order, this.#options.now(), this.#lag(id, extraLagMs));
    if (report.filledQty !== order.filledQty) this.faults.note("delayed_fill_report", report.state);
    reply(response, status, reportJson(report));
  }

  #lag(id: string, extraMs: number): number {
    return this.faultsOn ? reportLagMs(this.#options.dice, this.nameOf(id)) + extraMs : 0;
  }

  #name(order: OrderRequest): string {
    const known = this.#names.get(order.clientOrderId);
    if (known) return known;
    const nth = (this.#placed.get(order.symbol) ?? 0) + 1;
    this.#placed.set(order.symbol, nth);
    const name = `${order.symbol.split("-")[0]}#${nth}`;
    this.#names.set(order.clientOrderId, name);
    return name;
  }

  #draw<Fault extends string>(
    weights: Readonly<Record<Fault, number>>,
    operation: string,
    name: string,
  ): Fault | "none" {
    const key = `${operation}:${name}`;
    const nth = (this.#calls.get(key) ?? 0) + 1;
    this.#calls.set(key, nth);
    return this.faultsOn ? this.#options.dice.pick(weights, "fault", key, nth) : "none";
  }

  #say(what: string, fault: string): void {
    this.#options.trace(`    exchange: ${what}${fault === "none" ? "" : `  ⚡ ${fault}`}`);
  }
}

const orderFrom = (body: Record<string, string>): OrderRequest => ({
  clientOrderId: String(body.client_order_id),
  symbol: String(body.symbol),
  side: body.side === "sell" ? "sell" : "buy",
  qty: String(body.qty),
  limitPrice: String(body.limit_price),
});

const reply = (response: ServerResponse, status: number, body: unknown): unknown =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
