import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { type Amount, fractionPercent, signedUsd, usd } from "../../lib/format.ts";
import type { Mode } from "../../lib/mode.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Signed } from "../../ui/signed.tsx";
import { headerQuery } from "./header-query.ts";

/** Equity, cash, today's result and how much of the limits is used. */
export function Summary({ mode }: { mode: Mode }) {
  const query = useQuery(headerQuery(mode));
  return (
    <Loaded query={query}>
      {({ account, pnl, unresolved_orders }) => (
        <dl className="summary">
          <Figure name="Equity" value={usd(account.equity)} note="cash and holdings" />
          <Figure name="Cash" value={usd(account.cash)} note={`${usd(account.free_cash)} free`} />
          <Figure name="Today" value={gain(pnl.today)} note={`drawdown ${fractionPercent(pnl.drawdown)}`} />
          <Figure name="Realized" value={gain(pnl.realized)} note={`fees ${usd(pnl.fees)}`} />
          <Figure name="Unrealized" value={gain(pnl.unrealized)} note="at the mark" />
          <Figure
            name="Daily notional"
            value={usd(account.day_notional)}
            note={`of ${usd(account.max_daily_notional)} a day`}
          />
          <Figure
            name="Positions"
            value={`${account.open_positions} of ${account.max_open_positions}`}
            note="held or being entered"
          />
          <Figure
            name="Unresolved"
            value={String(unresolved_orders)}
            note={unresolved_orders === 0 ? "all are explained" : "of unknown fate"}
          />
        </dl>
      )}
    </Loaded>
  );
}

const gain = (value: Amount | null) => <Signed value={value}>{signedUsd(value)}</Signed>;

function Figure(props: { name: string; value: ReactNode; note: string }) {
  return (
    <div className="figure">
      <dt>{props.name}</dt>
      <dd>
        <strong>{props.value}</strong>
        <small>{props.note}</small>
      </dd>
    </div>
  );
}
