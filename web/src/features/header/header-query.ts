import { queryOptions } from "@tanstack/react-query";
import type { Amount } from "../../lib/format.ts";
import type { Mode } from "../../lib/mode.ts";
import { callRpc } from "../../lib/rpc.ts";
import { setServerNow } from "../../lib/server-clock.ts";

/** One reason why trading is not fully open. */
export interface Reason {
  readonly code: string;
  readonly text: string;
  readonly since?: string | null;
  readonly until?: string | null;
}

/** Everything that must be in sight at all times. */
export interface Header {
  readonly now: string;
  readonly clock_speed?: number | string;
  readonly mode: Mode;
  readonly role: "viewer" | "operator" | null;
  readonly email: string | null;
  readonly trading_state: { readonly state: "active" | "reducing" | "halted"; readonly reasons: readonly Reason[] };
  readonly kill_switch: boolean;
  readonly quote_age_seconds: number | string | null;
  readonly last_tick: Readonly<
    Record<
      string,
      {
        outcome: string;
        started_at: string | null;
        age_seconds: number | string | null;
        late: boolean;
        /** Its engine is switched off and holds nothing: it is not called. */
        disabled?: boolean;
      }
    >
  >;
  readonly account: {
    readonly cash: Amount;
    readonly reserved_cash: Amount;
    readonly free_cash: Amount;
    readonly equity: Amount;
    readonly day_notional: Amount;
    readonly max_daily_notional: Amount;
    readonly open_positions: number;
    readonly max_open_positions: number;
  };
  readonly pnl: {
    readonly today: Amount | null;
    readonly realized: Amount | null;
    readonly unrealized: Amount | null;
    readonly fees: Amount | null;
    /** A fraction of the highest equity so far: 0.01 is one percent below it. */
    readonly drawdown: Amount | null;
  };
  readonly unresolved_orders: number;
  readonly market_source: string | null;
}

/** Reads the header and sets the screen's clock by it. */
export const headerQuery = (mode: Mode) =>
  queryOptions({
    queryKey: ["header", mode],
    queryFn: async () => {
      const header = await callRpc<Header>("dashboard_header", { p_mode: mode });
      setServerNow(header.now, Number(header.clock_speed ?? 1));
      return header;
    },
  });
