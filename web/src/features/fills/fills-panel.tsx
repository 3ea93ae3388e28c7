import { queryOptions, useQuery } from "@tanstack/react-query";
import { type Amount, instant, price, quantity, signedUsd, usd } from "../../lib/format.ts";
import type { Mode } from "../../lib/mode.ts";
import { callRpc } from "../../lib/rpc.ts";
import { useServerNow } from "../../lib/server-clock.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Signed } from "../../ui/signed.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { Two } from "../../ui/two.tsx";

interface Fill {
  readonly id: string;
  readonly symbol: string;
  readonly side: string;
  readonly qty: Amount;
  readonly price: Amount;
  readonly fee: Amount;
  readonly notional: Amount;
  /** Net of both sides' fees; null for a buy. */
  readonly realized_pnl: Amount | null;
  readonly late: boolean;
  /** Above 0: a correction of an execution, negative where something was taken back. */
  readonly revision: number;
  readonly executed_at: string;
}

const fillsQuery = (mode: Mode) =>
  queryOptions({ queryKey: ["fills", mode], queryFn: () => callRpc<Fill[]>("dashboard_fills", { p_mode: mode }) });

/** The last fifty executions. */
export function FillsPanel({ mode }: { mode: Mode }) {
  const query = useQuery(fillsQuery(mode));
  const now = useServerNow();
  return (
    <Panel title="Fills" note="the last 50">
      <Loaded query={query} empty="No order has filled yet.">
        {(rows) => <Table label="Fills" columns={columns(now)} rows={rows} rowKey={(row) => row.id} />}
      </Loaded>
    </Panel>
  );
}

const columns = (now: number): readonly Column<Fill>[] => [
  {
    title: "Symbol",
    width: 11,
    cell: (row) => (
      <Two
        main={<strong>{row.symbol}</strong>}
        more={[row.side, row.late && "late", row.revision > 0 && "corrected"].filter(Boolean).join(", ")}
      />
    ),
  },
  {
    title: "Time",
    width: 15,
    minor: true,
    cell: (row) => <time dateTime={row.executed_at}>{instant(row.executed_at, now)}</time>,
  },
  {
    title: "Price",
    width: 13,
    numeric: true,
    cell: (row) => <Two main={price(row.price)} more={quantity(row.qty)} />,
  },
  {
    title: "Amount",
    width: 11,
    numeric: true,
    cell: (row) => <Two main={usd(row.notional)} more={`fee ${usd(row.fee)}`} />,
  },
  {
    title: "Realized",
    width: 10,
    numeric: true,
    cell: (row) => (row.realized_pnl ? <Signed value={row.realized_pnl}>{signedUsd(row.realized_pnl)}</Signed> : "–"),
  },
];
