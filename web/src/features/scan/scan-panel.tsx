import { queryOptions, useQuery } from "@tanstack/react-query";
import { duration, price } from "../../lib/format.ts";
import type { Mode } from "../../lib/mode.ts";
import { callRpc } from "../../lib/rpc.ts";
import { secondsSince, useServerNow } from "../../lib/server-clock.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Panel } from "../../ui/panel.tsx";
import { type Column, Table } from "../../ui/table.tsx";

interface Scan {
  readonly symbol: string;
  readonly score: string | null;
  readonly score_breakdown: Readonly<Record<string, number | string>>;
  readonly info: Readonly<Record<string, unknown>>;
  readonly recommended_strategy: string | null;
  readonly no_data_reason: string | null;
  readonly created_at: string;
}

const scanQuery = (mode: Mode) =>
  queryOptions({ queryKey: ["scan", mode], queryFn: () => callRpc<Scan[]>("dashboard_scan", { p_mode: mode }) });

/** The latest look at each symbol: its score and what the score is made of. */
export function ScanPanel({ mode }: { mode: Mode }) {
  const query = useQuery(scanQuery(mode));
  const now = useServerNow();
  const newest = query.data
    ?.map((row) => row.created_at)
    .sort()
    .at(-1);
  return (
    <Panel title="Latest scan" note={newest && `${duration(secondsSince(newest, now))} ago`}>
      <Loaded query={query} empty="No scan yet. The trader looks once a minute.">
        {(rows) => <Table label="Latest scan" columns={columns} rows={rows} rowKey={(row) => row.symbol} />}
      </Loaded>
    </Panel>
  );
}

const info = (row: Scan, name: string) => (typeof row.info[name] === "string" ? (row.info[name] as string) : null);
const part = (name: string) => (row: Scan) =>
  row.score === null ? "–" : Number(row.score_breakdown[name] ?? 0).toFixed(0);

const columns: readonly Column<Scan>[] = [
  { title: "Symbol", cell: (row) => <strong>{row.symbol}</strong> },
  { title: "Mid", numeric: true, cell: (row) => price(info(row, "mid")) },
  {
    title: "Spread",
    numeric: true,
    minor: true,
    cell: (row) => (info(row, "spread_pct") ? `${Number(info(row, "spread_pct")).toFixed(3)} %` : "–"),
  },
  {
    title: "Score",
    numeric: true,
    cell: (row) =>
      row.score === null ? `not scored: ${row.no_data_reason}` : <strong>{Number(row.score).toFixed(0)}</strong>,
  },
  { title: "Liquidity", numeric: true, minor: true, cell: part("liquidity") },
  { title: "Momentum", numeric: true, minor: true, cell: part("momentum") },
  { title: "Volatility", numeric: true, minor: true, cell: part("volatility") },
  { title: "Trend", numeric: true, minor: true, cell: part("trend") },
];
