import { queryOptions, useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import type { Amount } from "../../lib/format.ts";
import type { Mode } from "../../lib/mode.ts";
import { callRpc } from "../../lib/rpc.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Panel } from "../../ui/panel.tsx";

/** Equity at one moment. */
export interface EquityPoint {
  readonly at: string;
  readonly equity: Amount;
  readonly cash: Amount;
}

const EquityChart = lazy(() => import("./equity-chart.tsx"));
const RANGES = [
  { days: 1, name: "1 day" },
  { days: 7, name: "7 days" },
  { days: 365, name: "1 year" },
] as const;

const equityQuery = (mode: Mode, days: number) =>
  queryOptions({
    queryKey: ["equity", mode, days],
    queryFn: () => callRpc<EquityPoint[]>("dashboard_equity", { p_mode: mode, p_days: days }),
  });

/** Equity over time: cash plus holdings at mid, so cash in open orders is never a loss. */
export function EquityPanel({ mode }: { mode: Mode }) {
  const [days, setDays] = useState<number>(1);
  const query = useQuery(equityQuery(mode, days));
  const ranges = RANGES.map((range) => (
    <button
      key={range.days}
      type="button"
      className="range"
      aria-pressed={days === range.days}
      onClick={() => setDays(range.days)}
    >
      {range.name}
    </button>
  ));
  return (
    <Panel title="Equity" note={<span className="ranges">{ranges}</span>}>
      <div className="chart-space">
        <Loaded
          query={query}
          isEmpty={(points) => points.length < 2}
          empty="The curve begins with the second reconciliation."
        >
          {(points) => (
            <Suspense fallback={<p className="loading">Loading the chart…</p>}>
              <EquityChart points={points} />
            </Suspense>
          )}
        </Loaded>
      </div>
    </Panel>
  );
}
