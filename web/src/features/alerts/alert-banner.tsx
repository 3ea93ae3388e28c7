import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { duration, instant } from "../../lib/format.ts";
import type { Mode } from "../../lib/mode.ts";
import { callRpc } from "../../lib/rpc.ts";
import { secondsSince, useServerNow } from "../../lib/server-clock.ts";
import { Badge, type Tone } from "../../ui/badge.tsx";
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
  const { data = [], isError, error } = useQuery(alertsQuery(mode));
  const told = data.filter((alert) => !alert.acknowledged_at).map((alert) => alert.title);
  return (
    <section aria-label="Alerts">
      {/* Read aloud when an alert comes; the visible rows hold clocks, which would be read every second. */}
      <p className="unseen" role="alert">
        {told.join(". ")}
      </p>
      {isError && <p className="error banner-error">Alerts could not be read: {error.message}</p>}
      {data.length > 0 && (
        <ul className="alerts">
          {data.map((alert) => (
            <AlertRow key={alert.id} alert={alert} canCommand={canCommand} />
          ))}
        </ul>
      )}
    </section>
  );
}

const TONE: Record<Alert["severity"], Tone> = { info: "calm", warning: "warn", critical: "bad" };

function AlertRow({ alert, canCommand }: { alert: Alert; canCommand: boolean }) {
  const now = useServerNow();
  const acknowledged = alert.acknowledged_at !== null;
  return (
    <li className={`alert ${alert.severity} ${acknowledged ? "acknowledged" : ""}`} data-kind={alert.kind}>
      <div>
        <Badge tone={TONE[alert.severity]}>{alert.severity}</Badge> <strong>{alert.title}</strong>
        {alert.count > 1 && !alert.title.includes(String(alert.count)) && (
          <span className="count"> × {alert.count}</span>
        )}
        <span className="since" title={`opened ${instant(alert.opened_at)}, last seen ${instant(alert.last_seen_at)}`}>
          {" "}
          for {duration(secondsSince(alert.opened_at, now))}, since {instant(alert.opened_at, now)}
        </span>
        {acknowledged && <span className="since">, acknowledged by {person(alert.acknowledged_by)}</span>}
        {!acknowledged && <p>{alert.detail}</p>}
        {!acknowledged && <p className="action">What to do: {alert.action}</p>}
      </div>
      {!acknowledged && canCommand && <Acknowledge alert={alert} />}
    </li>
  );
}

const person = (actor: string | null) => actor?.replace(/^operator:/, "") ?? "somebody";

function Acknowledge({ alert }: { alert: Alert }) {
  const queries = useQueryClient();
  const acknowledge = useCommand(async () => {
    await callRpc("acknowledge_alert", { alert_id: alert.id });
    await queries.invalidateQueries({ queryKey: ["alerts"] });
  });
  return (
    <span>
      <button
        type="button"
        disabled={acknowledge.busy}
        onClick={acknowledge.run}
        aria-label={`Acknowledge: ${alert.title}`}
      >
        Acknowledge
      </button>
      {acknowledge.error}
    </span>
  );
}
