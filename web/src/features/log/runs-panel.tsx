import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { instant, words } from "../../lib/format.ts";
import { callRpc, invokeTick } from "../../lib/rpc.ts";
import { useServerNow } from "../../lib/server-clock.ts";
import { Badge, type Tone } from "../../ui/badge.tsx";
import { useCommand } from "../../ui/command.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { Panel } from "../../ui/panel.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { Two } from "../../ui/two.tsx";

interface Run {
  readonly id: string;
  readonly name: string;
  readonly trigger: string;
  readonly outcome: "running" | "ok" | "skipped" | "error";
  readonly reason: string | null;
  readonly error: string | null;
  readonly counts: Readonly<Record<string, unknown>>;
  readonly started_at: string;
  readonly duration_ms: number | null;
}

const runsQuery = queryOptions({
  queryKey: ["log", "runs"],
  queryFn: () => callRpc<Run[]>("dashboard_runs", { p_limit: 50 }),
});
/** Why a tick that was started by hand did not run, as a person would say it. */
const SKIPPED: Readonly<Record<string, string>> = {
  overlap: "at work already; it goes round once more",
  disabled: "switched off by its mode knob",
};
const TICKS = ["trader-tick", "reposition-tick", "edge-factory-tick"] as const;

/** What ran, when, and how it ended; an operator can start a tick by hand. */
export function RunsPanel({ canCommand }: { canCommand: boolean }) {
  const query = useQuery(runsQuery);
  const now = useServerNow();
  return (
    <Panel title="Runs" note="the last 50" className="long">
      {canCommand && (
        <div className="buttons">
          {TICKS.map((name) => (
            <RunNow key={name} name={name} />
          ))}
        </div>
      )}
      <Loaded query={query} empty="No tick has run yet.">
        {(rows) => <Table label="Runs" columns={columns(now)} rows={rows} rowKey={(row) => row.id} />}
      </Loaded>
    </Panel>
  );
}

function RunNow({ name }: { name: string }) {
  const queries = useQueryClient();
  const [answer, setAnswer] = useState<string>();
  const command = useCommand(async () => {
    const result = await invokeTick(name);
    setAnswer(result.error ?? SKIPPED[result.reason ?? ""] ?? words(result.reason ?? result.outcome));
    await queries.invalidateQueries();
  });
  return (
    <span className="run-now">
      <button type="button" disabled={command.busy} onClick={command.run}>
        {command.busy ? `Running ${name}…` : `Run ${name} now`}
      </button>
      {answer && <span role="status">{answer}</span>}
      {command.error}
    </span>
  );
}

const TONE: Record<Run["outcome"], Tone> = { running: "calm", ok: "good", skipped: "quiet", error: "bad" };

const columns = (now: number): readonly Column<Run>[] => [
  {
    title: "Started",
    width: 15,
    cell: (row) => (
      <Two main={<time dateTime={row.started_at}>{instant(row.started_at, now)}</time>} more={row.trigger} />
    ),
  },
  {
    title: "Tick",
    width: 17,
    cell: (row) => <Two main={row.name} more={row.duration_ms === null ? "under way" : `${row.duration_ms} ms`} />,
  },
  { title: "Outcome", width: 11, cell: (row) => <Badge tone={TONE[row.outcome]}>{row.outcome}</Badge> },
  { title: "What", width: 30, minor: true, cell: (row) => <span title={what(row)}>{what(row)}</span> },
];

const what = (row: Run) => (row.outcome === "running" ? "under way" : (row.error ?? row.reason ?? counts(row.counts)));

const counts = (all: Run["counts"]) =>
  Object.entries(all)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `${words(name)} ${String(count)}`)
    .join(", ") || "nothing to do";
