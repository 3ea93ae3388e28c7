import { queryOptions, useQuery } from "@tanstack/react-query";
import { configQuery, knobNumber } from "../../lib/config-query.ts";
import { type Amount, duration, price } from "../../lib/format.ts";
import type { Mode } from "../../lib/mode.ts";
import { callRpc } from "../../lib/rpc.ts";
import { secondsSince, useServerNow } from "../../lib/server-clock.ts";
import { Badge } from "../../ui/badge.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { Panel } from "../../ui/panel.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { Two } from "../../ui/two.tsx";

interface Scan {
  readonly symbol: string;
  readonly score: string | null;
  readonly score_breakdown: Readonly<Record<string, number | string>>;
  readonly info: Readonly<Record<string, unknown>>;
  readonly no_data_reason: string | null;
  readonly created_at: string;
}

interface Price {
  readonly symbol: string;
  readonly bid: Amount;
  readonly ask: Amount;
  readonly mid: Amount;
}

const scanQuery = (mode: Mode) =>
  queryOptions({ queryKey: ["scan", mode], queryFn: () => callRpc<Scan[]>("dashboard_scan", { p_mode: mode }) });
const pricesQuery = queryOptions({ queryKey: ["prices"], queryFn: () => callRpc<Price[]>("dashboard_prices") });

/** The latest look at each symbol: its price, its score and what the score is made of. */
export function ScanPanel({ mode }: { mode: Mode }) {
  const query = useQuery(scanQuery(mode));
  const prices = useQuery(pricesQuery);
  const enterAt = knobNumber(useQuery(configQuery).data, "TRADER_ENTRY_SCORE", 70);
  const now = useServerNow();
  const newest = query.data
    ?.map((row) => row.created_at)
    .sort()
    .at(-1);
  const quoted = new Map(prices.data?.map((row) => [row.symbol, row]));
  return (
    <Panel title="Latest scan" note={newest && `${duration(secondsSince(newest, now))} ago`}>
      <Loaded query={query} empty="No scan yet. The trader looks once a minute.">
        {(rows) => (
          <Table label="Latest scan" columns={columns(quoted, enterAt)} rows={rows} rowKey={(row) => row.symbol} />
        )}
      </Loaded>
    </Panel>
  );
}

const spread = ({ info }: Scan) =>
  typeof info.spread_pct === "string" ? `spread ${Number(info.spread_pct).toFixed(3)} %` : "no spread";

const part = (title: string): Column<Scan> => ({
  title,
  width: 11,
  numeric: true,
  minor: true,
  cell: (row) => (row.score === null ? "–" : Number(row.score_breakdown[title.toLowerCase()] ?? 0).toFixed(0)),
});

const columns = (prices: ReadonlyMap<string, Price>, enterAt: number): readonly Column<Scan>[] => [
  { title: "Symbol", width: 11, cell: (row) => <strong>{row.symbol}</strong> },
  {
    title: "Price",
    width: 13,
    numeric: true,
    cell: (row) => <Two main={price(prices.get(row.symbol)?.mid)} more={spread(row)} />,
  },
  {
    title: "Score",
    width: 14,
    cell: (row) => <Two main={verdict(row)} more={why(row, enterAt)} title={why(row, enterAt)} />,
  },
  part("Liquidity"),
  part("Momentum"),
  part("Volatility"),
  part("Trend"),
];

const verdict = (row: Scan) =>
  row.score === null ? (
    <Badge tone="quiet">not scored</Badge>
  ) : (
    <strong className="score">{Number(row.score).toFixed(0)} of 100</strong>
  );

const why = (row: Scan, enterAt: number) =>
  row.score === null ? (row.no_data_reason ?? "no data") : `enters from ${enterAt}`;
