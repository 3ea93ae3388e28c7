import { queryOptions, useQuery } from "@tanstack/react-query";
import { duration, words } from "../../lib/format.ts";
import type { Mode } from "../../lib/mode.ts";
import { callRpc } from "../../lib/rpc.ts";
import { secondsSince, useServerNow } from "../../lib/server-clock.ts";
import { Badge, type Tone } from "../../ui/badge.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { Panel } from "../../ui/panel.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { Two } from "../../ui/two.tsx";

interface Heartbeat {
  readonly component: string;
  readonly status: "ok" | "warning" | "error" | "down";
  readonly last_heartbeat: string;
  readonly since: string;
  readonly latency_ms: number | null;
  readonly errors_in_a_row: number;
  readonly details: Readonly<Record<string, unknown>>;
}

const healthQuery = (mode: Mode) =>
  queryOptions({
    queryKey: ["log", "health", mode],
    queryFn: () => callRpc<Heartbeat[]>("dashboard_health", { p_mode: mode }),
  });

/** The last heartbeat of every component; its age is computed here, so a silent database job shows too. */
export function HealthPanel({ mode }: { mode: Mode }) {
  const query = useQuery(healthQuery(mode));
  const now = useServerNow();
  return (
    <Panel title="Health">
      <Loaded query={query} empty="No component has reported yet.">
        {(rows) => <Table label="Health" columns={columns(now)} rows={rows} rowKey={(row) => row.component} />}
      </Loaded>
    </Panel>
  );
}

const TONE: Record<Heartbeat["status"], Tone> = { ok: "good", warning: "warn", error: "bad", down: "bad" };

const columns = (now: number): readonly Column<Heartbeat>[] => [
  { title: "Component", width: 15, cell: (row) => words(row.component) },
  {
    title: "Status",
    width: 15,
    cell: (row) => (
      <Two main={<Badge tone={TONE[row.status]}>{row.status}</Badge>} more={since(row, now)} title={detail(row)} />
    ),
  },
  {
    title: "Last heard",
    width: 15,
    numeric: true,
    cell: (row) => `${duration(secondsSince(row.last_heartbeat, now))} ago`,
  },
  {
    title: "Latency",
    width: 10,
    numeric: true,
    minor: true,
    cell: (row) => (row.latency_ms === null ? "–" : `${row.latency_ms} ms`),
  },
  { title: "Errors in a row", width: 13, numeric: true, minor: true, cell: (row) => row.errors_in_a_row },
];

function detail({ details }: Heartbeat): string | undefined {
  const told = [details.problems, details.gaps].flatMap((list) => (Array.isArray(list) ? list.map(String) : []));
  if (told.length > 0) return [...new Set(told)].join("; ");
  return typeof details.detail === "string" ? details.detail : undefined;
}

const since = (row: Heartbeat, now: number) => detail(row) ?? `for ${duration(secondsSince(row.since, now))}`;
