import type { PaperOrder } from "../../../shared/broker/paper/book.ts";
import type { ReportedFill } from "../../../shared/broker/port.ts";
import type { BackOffice } from "./back-office.ts";
import type { Dice } from "./dice.ts";
import * as faults from "./faults.ts";
import {
  type FillWords,
  type Hiding,
  listsItsFills,
  repeatsItsFills,
  reportJson,
  type ShownReport,
  shownReport,
} from "./report-json.ts";
import { bend, LASTING, lieOf, type ReportLie } from "./report-lies.ts";
import type { SeedTraits } from "./seed-traits.ts";

interface Options {
  readonly dice: Dice;
  readonly traits: SeedTraits;
  readonly now: () => number;
  readonly nameOf: (clientOrderId: string) => string;
  readonly note: (fault: string, state: string) => void;
  readonly trace: (line: string) => void;
  readonly backOffice: BackOffice;
}

/** Where a report is told: the list of open orders, or the answer about one. */
export type Channel = "list" | "look-up";

/** Says how orders stand, with what hides, doubles, renames and bends the truth. */
export class ReportDesk {
  /** Orders of which something untrue was told. */
  readonly lied = new Map<string, ReportLie>();
  readonly #options: Options;
  readonly #told = new Map<string, number>();
  readonly #toldLate = new Map<string, { readonly from: number; readonly until: number }>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** From now on fills that come with a cancel are told some time after it. */
  tellLate(id: string): void {
    const { dice, now, nameOf } = this.#options;
    this.#toldLate.set(id, { from: now(), until: now() + faults.toldLateMs(dice, nameOf(id)) });
  }

  /** Returns an order as the exchange tells it; `faultsOn` false: the plain truth. */
  tell(order: PaperOrder, channel: Channel, faultsOn: boolean, extraLagMs = 0): Record<string, unknown> {
    const { now, note, traits, trace, nameOf } = this.#options;
    const id = order.clientOrderId;
    const honest = shownReport(order, now(), this.#hiding(id, faultsOn, extraLagMs));
    const lie = this.#lie(order, faultsOn);
    const told = bend(honest, lie);
    this.#note(order, honest, lie);
    if (lie !== "none") trace(`    exchange: ${nameOf(id)} is told with ⚡ ${lie}`);
    if (traits.twoChannels && told.fills.length > 0) note("executions under two ids", channel);
    const json = reportJson(told, this.#words(order, channel));
    if (lie === "another_symbol") return { ...json, symbol: "XYZ-USD" };
    return lie === "no_quantity" && told.state === "canceled" ? { ...json, filled_qty: "n/a" } : json;
  }

  /** The names under which an execution of an order may have been told. */
  namesOf(order: PaperOrder): (fill: ReportedFill) => string[] {
    const words = (["list", "look-up"] as const).map((channel) => this.#words(order, channel));
    return (fill) => words.map(({ idOf }) => idOf(fill));
  }

  #note(order: PaperOrder, report: ShownReport, lie: ReportLie): void {
    const { note } = this.#options;
    if (report.filledQty !== order.filledQty) note("fill_not_shown_yet", report.state);
    if (repeatsItsFills(order) && report.fills.length > 0) note("fills_doubled_and_backwards", report.state);
    if (!listsItsFills(order) && report.fills.length > 0) note("fills_without_ids", report.state);
    if (lie === "none") return;
    note(`told with ${lie}`, report.state);
    this.lied.set(order.clientOrderId, lie);
  }

  /** What is wrong for good stays wrong when all else is well. */
  #lie(order: PaperOrder, faultsOn: boolean): ReportLie {
    const { dice, now, nameOf, traits } = this.#options;
    const name = nameOf(order.clientOrderId);
    const nth = (this.#told.get(name) ?? 0) + 1;
    this.#told.set(name, nth);
    const drawn = lieOf(dice, name, nth, now(), order.fills[0]?.executedAt ?? null);
    // Only a person could settle it then, and a person tells a fee in USD.
    const lie = drawn === "another_symbol" && traits.coinFees ? "none" : drawn;
    return faultsOn || (LASTING.includes(lie) && this.lied.has(order.clientOrderId)) ? lie : "none";
  }

  #words(order: PaperOrder, channel: Channel): FillWords {
    const { traits, backOffice } = this.#options;
    const coin = order.symbol.split("-")[0] ?? order.symbol;
    const prefix = !traits.twoChannels ? "" : channel === "list" ? "ws-" : "rest-";
    return {
      idOf: (fill) => prefix + (traits.numbersPerSymbol ? String(1000 + backOffice.numberOf(fill)) : fill.fillId),
      coin: traits.coinFees && order.side === "buy" ? coin : null,
      coinsOf: (fill) => (fill.fee === "0" ? "0" : (backOffice.feeCoinsOf(fill) ?? "0")),
    };
  }

  #hiding(id: string, faultsOn: boolean, extraMs: number): Hiding {
    const { dice, now, nameOf } = this.#options;
    const late = this.#toldLate.get(id);
    if (!faultsOn) return { lagMs: 0, toldLateFrom: null };
    const lagMs = faults.reportLagMs(dice, nameOf(id)) + extraMs;
    return { lagMs, toldLateFrom: late && late.until > now() ? late.from : null };
  }
}
