import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { duration } from "../../lib/format.ts";
import type { Mode } from "../../lib/mode.ts";
import { callRpc } from "../../lib/rpc.ts";
import { secondsSince, useServerNow } from "../../lib/server-clock.ts";
import { useCommand } from "../../ui/command.tsx";

interface Alert {
  readonly id: string;
  readonly kind: string;
  readonly severity: "info" | "warning" | "critical";
  readonly title: string;
  readonly detail: string;
  readonly action: string;
  readonly count: number;
  readonly opened_at: string;
  readonly last_seen_at: string;
  readonly acknowledged_at: string | null;
  readonly acknowledged_by: string | null;
}

const alertsQuery = (mode: Mode) =>
  queryOptions({ queryKey: ["alerts", mode], queryFn: () => callRpc<Alert[]>("dashboard_alerts", { p_mode: mode }) });

/** What needs a person: stays until the cause is gone; acknowledged ones fold to a line. */
export function AlertBanner({ mode, canCommand }: { mode: Mode; canCommand: boolean }) {
  const { data, isError, error } = useQuery(alertsQuery(mode));
  if (isError) return <p className="error banner-error">Alerts could not be read: {error.message}</p>;
  if (!data || data.length === 0) return null;
  return (
    <ul className="alerts" aria-label="Open alerts">
      {data.map((alert) => (
        <AlertRow key={alert.id} alert={alert} canCommand={canCommand} />
      ))}
    </ul>
  );
}

function AlertRow({ alert, canCommand }: { alert: Alert; canCommand: boolean }) {
  const now = useServerNow();
  const acknowledged = alert.acknowledged_at !== null;
  return (
    <li
      className={`alert ${alert.severity} ${acknowledged ? "acknowledged" : ""}`}
      role={acknowledged ? undefined : "alert"}
      data-kind={alert.kind}
    >
      <div>
        <strong>{alert.title}</strong>
        {alert.count > 1 && <span className="count"> × {alert.count}</span>}
        <span className="since"> since {duration(secondsSince(alert.opened_at, now))}</span>
        {acknowledged && <span className="since">, acknowledged by {alert.acknowledged_by}</span>}
        {!acknowledged && <p>{alert.detail}</p>}
        {!acknowledged && <p className="action">What to do: {alert.action}</p>}
      </div>
      {!acknowledged && canCommand && <Acknowledge id={alert.id} />}
    </li>
  );
}

function Acknowledge({ id }: { id: string }) {
  const queries = useQueryClient();
  const acknowledge = useCommand(async () => {
    await callRpc("acknowledge_alert", { alert_id: id });
    await queries.invalidateQueries({ queryKey: ["alerts"] });
  });
  return (
    <span>
      <button type="button" disabled={acknowledge.busy} onClick={acknowledge.run}>
        Acknowledge
      </button>
      {acknowledge.error}
    </span>
  );
}
