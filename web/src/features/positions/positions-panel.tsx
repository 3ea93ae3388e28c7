import { queryOptions, useQuery } from "@tanstack/react-query";
import { type Amount, duration, price, quantity, signedPercent, signedUsd, usd, words } from "../../lib/format.ts";
import type { Mode } from "../../lib/mode.ts";
import { callRpc } from "../../lib/rpc.ts";
import { secondsSince, useServerNow } from "../../lib/server-clock.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Signed } from "../../ui/signed.tsx";
import { type Column, Table } from "../../ui/table.tsx";

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
  { title: "Symbol", cell: (row) => <strong>{row.symbol}</strong> },
  { title: "Quantity", numeric: true, cell: (row) => quantity(row.qty) },
  { title: "Average", numeric: true, minor: true, cell: (row) => price(row.average_price) },
  { title: "Mark", numeric: true, minor: true, cell: (row) => price(row.mark) },
  { title: "Value", numeric: true, cell: (row) => usd(row.value) },
  {
    title: "Unrealized",
    numeric: true,
    cell: (row) => (
      <Signed value={row.unrealized_pnl}>
        {signedUsd(row.unrealized_pnl)} <small>{signedPercent(row.unrealized_pct)}</small>
      </Signed>
    ),
  },
  {
    title: "Stop",
    numeric: true,
    minor: true,
    cell: (row) => (row.trail_armed ? `${price(row.stop_price)} trailing` : price(row.stop_price)),
  },
  { title: "Target", numeric: true, minor: true, cell: (row) => price(row.target_price) },
  {
    title: "Age",
    numeric: true,
    minor: true,
    cell: (row) => (row.opened_at ? duration(secondsSince(row.opened_at, now)) : "–"),
  },
  { title: "Engine", minor: true, cell: (row) => words(row.engine) },
];
