import { queryOptions, useQuery } from "@tanstack/react-query";
import { type Amount, duration, price, quantity, signedPercent, signedUsd, usd, words } from "../../lib/format.ts";
import type { Mode } from "../../lib/mode.ts";
import { callRpc } from "../../lib/rpc.ts";
import { secondsSince, useServerNow } from "../../lib/server-clock.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Signed } from "../../ui/signed.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { Two } from "../../ui/two.tsx";

interface Position {
  readonly symbol: string;
  readonly engine: string | null;
  readonly qty: Amount;
  readonly average_price: Amount | null;
  readonly mark: Amount | null;
  readonly value: Amount | null;
  readonly unrealized_pnl: Amount | null;
  readonly unrealized_pct: Amount | null;
  readonly stop_price: Amount | null;
  readonly target_price: Amount | null;
  readonly trail_armed: boolean;
  readonly opened_at: string | null;
  readonly exit_by: string | null;
  /** Too little to be sold: it counts as nothing held. */
  readonly is_dust: boolean;
}

const positionsQuery = (mode: Mode) =>
  queryOptions({
    queryKey: ["positions", mode],
    queryFn: () => callRpc<Position[]>("dashboard_positions", { p_mode: mode }),
  });

/** What is held, what it is worth, and where it will be sold. */
export function PositionsPanel({ mode }: { mode: Mode }) {
  const query = useQuery(positionsQuery(mode));
  const now = useServerNow();
  return (
    <Panel title="Positions" note={query.data && `${query.data.length} held`}>
      <Loaded query={query} empty="Nothing is held.">
        {(rows) => <Table label="Positions" columns={columns(now)} rows={rows} rowKey={(row) => row.symbol} />}
      </Loaded>
    </Panel>
  );
}

const columns = (now: number): readonly Column<Position>[] => [
  {
    title: "Symbol",
    width: 10,
    cell: (row) => (
      <Two main={<strong>{row.symbol}</strong>} more={row.is_dust ? "dust, too little to sell" : words(row.engine)} />
    ),
  },
  {
    title: "Value",
    width: 12,
    numeric: true,
    cell: (row) => <Two main={usd(row.value)} more={quantity(row.qty)} title="at mid, and the quantity held" />,
  },
  {
    title: "Mark",
    width: 13,
    numeric: true,
    cell: (row) => <Two main={price(row.mark)} more={`paid ${price(row.average_price)}`} />,
  },
  {
    title: "P&L",
    width: 9,
    numeric: true,
    cell: (row) => (
      <Signed value={row.unrealized_pnl}>
        <Two main={signedUsd(row.unrealized_pnl)} more={signedPercent(row.unrealized_pct)} />
      </Signed>
    ),
  },
  {
    title: "Stop",
    width: 11,
    numeric: true,
    minor: true,
    cell: (row) => <Two main={price(row.stop_price)} more={row.trail_armed ? "trailing" : "fixed"} />,
  },
  { title: "Target", width: 10, numeric: true, minor: true, cell: (row) => price(row.target_price) },
  {
    title: "Age",
    width: 13,
    numeric: true,
    minor: true,
    cell: (row) => (
      <Two
        main={row.opened_at ? duration(secondsSince(row.opened_at, now)) : "–"}
        more={row.exit_by ? `${duration(-secondsSince(row.exit_by, now))} left` : "no time limit"}
      />
    ),
  },
];
