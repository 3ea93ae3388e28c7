import { queryOptions, useQuery } from "@tanstack/react-query";
import { type Amount, instant, quantity, usd } from "../../lib/format.ts";
import type { Mode } from "../../lib/mode.ts";
import { callRpc } from "../../lib/rpc.ts";
import { useServerNow } from "../../lib/server-clock.ts";
import { Badge, type Tone } from "../../ui/badge.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { Panel } from "../../ui/panel.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { Two } from "../../ui/two.tsx";

interface Reconciliation {
  readonly id: string | number;
  readonly local_cash: Amount;
  readonly broker_cash: Amount;
  readonly cash_diff: Amount;
  readonly holdings_diff: Readonly<Record<string, Amount>>;
  readonly unknown_orders: readonly unknown[];
  readonly status: "ok" | "suspect" | "degraded";
  readonly reason: string | null;
  readonly taken_at: string;
  readonly last_seen_at: string;
}

const reconciliationsQuery = (mode: Mode) =>
  queryOptions({
    queryKey: ["log", "reconciliations", mode],
    queryFn: () => callRpc<Reconciliation[]>("dashboard_reconciliations", { p_mode: mode }),
  });

/** Our books against the broker's. */
export function ReconciliationsPanel({ mode }: { mode: Mode }) {
  const query = useQuery(reconciliationsQuery(mode));
  const now = useServerNow();
  return (
    <Panel title="Reconciliation" note="our books against the broker's" className="long">
      <Loaded query={query} empty="The books have not been compared yet.">
        {(rows) => <Table label="Reconciliation" columns={columns(now)} rows={rows} rowKey={(row) => String(row.id)} />}
      </Loaded>
    </Panel>
  );
}

const TONE: Record<Reconciliation["status"], Tone> = { ok: "good", suspect: "warn", degraded: "bad" };

const columns = (now: number): readonly Column<Reconciliation>[] => [
  {
    title: "Last seen",
    width: 15,
    cell: (row) => <Two main={instant(row.last_seen_at, now)} more={`first ${instant(row.taken_at, now)}`} />,
  },
  {
    title: "Status",
    width: 16,
    cell: (row) => (
      <Two
        main={<Badge tone={TONE[row.status]}>{row.status}</Badge>}
        more={row.reason ?? "agrees"}
        title={row.reason ?? undefined}
      />
    ),
  },
  {
    title: "Cash",
    width: 16,
    numeric: true,
    minor: true,
    cell: (row) => <Two main={`ours ${usd(row.local_cash)}`} more={`broker ${usd(row.broker_cash)}`} />,
  },
  { title: "Difference", width: 11, numeric: true, cell: (row) => usd(row.cash_diff) },
  {
    title: "Holdings that differ",
    width: 20,
    minor: true,
    cell: (row) => <span title={differences(row.holdings_diff)}>{differences(row.holdings_diff)}</span>,
  },
];

const differences = (holdings: Reconciliation["holdings_diff"]) =>
  Object.entries(holdings)
    .filter(([, amount]) => !/^-?0*\.?0*$/.test(amount))
    .map(([symbol, amount]) => `${symbol} ${quantity(amount)}`)
    .join(", ") || "none";
