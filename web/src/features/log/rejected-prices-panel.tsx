import { queryOptions, useQuery } from "@tanstack/react-query";
import { type Amount, instant, price } from "../../lib/format.ts";
import { callRpc } from "../../lib/rpc.ts";
import { useServerNow } from "../../lib/server-clock.ts";
import { Badge } from "../../ui/badge.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { Panel } from "../../ui/panel.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { Two } from "../../ui/two.tsx";

interface RejectedPrice {
  readonly id: string;
  readonly symbol: string;
  readonly kind: "quote" | "trade" | "candle";
  readonly source: string;
  readonly price: Amount;
  readonly median: Amount;
  readonly observed_at: string;
  readonly confirmed_at: string | null;
}

const rejectedQuery = queryOptions({
  queryKey: ["log", "rejected"],
  queryFn: () => callRpc<RejectedPrice[]>("dashboard_rejected_prices", {}),
});

/** Prices that were too far off to be believed, and what the next one said. */
export function RejectedPricesPanel() {
  const query = useQuery(rejectedQuery);
  const now = useServerNow();
  return (
    <Panel title="Rejected prices" note="nothing was done by them" className="long">
      <Loaded query={query} empty="Every price was believable.">
        {(rows) => <Table label="Rejected prices" columns={columns(now)} rows={rows} rowKey={(row) => row.id} />}
      </Loaded>
    </Panel>
  );
}

const columns = (now: number): readonly Column<RejectedPrice>[] => [
  {
    title: "Seen",
    width: 18,
    cell: (row) => <Two main={instant(row.observed_at, now)} more={`${row.kind}, ${row.source}`} />,
  },
  { title: "Symbol", width: 14, cell: (row) => <strong>{row.symbol}</strong> },
  {
    title: "Price",
    width: 18,
    numeric: true,
    cell: (row) => <Two main={price(row.price)} more={`others ${price(row.median)}`} />,
  },
  {
    title: "Then",
    width: 20,
    cell: (row) =>
      row.confirmed_at === null ? (
        <Badge tone="quiet">not confirmed</Badge>
      ) : (
        <Two main={<Badge tone="calm">market had moved</Badge>} more={instant(row.confirmed_at, now)} />
      ),
  },
];
