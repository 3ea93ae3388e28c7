import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { duration } from "../../lib/format.ts";
import type { Connection } from "../../lib/live.ts";
import { type Mode, showMode } from "../../lib/mode.ts";
import { callRpc } from "../../lib/rpc.ts";
import { secondsSince, useServerNow } from "../../lib/server-clock.ts";
import { signOut } from "../../lib/session.ts";
import { Badge, type Tone } from "../../ui/badge.tsx";
import { Confirm } from "../../ui/confirm.tsx";
import { type Header, headerQuery } from "./header-query.ts";

/** The bar that is always in sight: book, trading state, kill switch, age of the data, connection. */
export function HeaderBar(props: { mode: Mode; connection: Connection }) {
  const { data, isError, error } = useQuery(headerQuery(props.mode));
  return (
    <header className="bar">
      <span className="brand">Zoe</span>
      <ModeSwitch mode={props.mode} />
      {data ? (
        <TradingState header={data} />
      ) : (
        <Badge tone="quiet">{isError ? "state unknown" : "reading state…"}</Badge>
      )}
      <DataAge header={data} />
      <ConnectionBadge connection={props.connection} />
      <span className="spacer" />
      {isError && <span className="error">Header: {error.message}</span>}
      {data && <KillSwitch header={data} />}
      <button type="button" className="link" onClick={() => void signOut()} title={data?.email ?? undefined}>
        Sign out
      </button>
    </header>
  );
}

function ModeSwitch({ mode }: { mode: Mode }) {
  return (
    <select
      aria-label="Book on screen"
      className={`mode ${mode}`}
      value={mode}
      onChange={(event) => showMode(event.target.value === "live" ? "live" : "paper")}
    >
      <option value="paper">PAPER</option>
      <option value="live">LIVE</option>
    </select>
  );
}

const STATE_TONE: Record<Header["trading_state"]["state"], Tone> = { active: "good", reducing: "warn", halted: "bad" };

function TradingState({ header }: { header: Header }) {
  const now = useServerNow();
  const { state, reasons } = header.trading_state;
  return (
    <span className="state" role="status">
      <Badge tone={STATE_TONE[state]}>{state}</Badge>
      {reasons.map((reason) => (
        <span key={reason.code} className="reason">
          {reason.text}
          {reason.since && ` for ${duration(secondsSince(reason.since, now))}`}
          {reason.until && `, ${duration(-secondsSince(reason.until, now))} left`}
        </span>
      ))}
    </span>
  );
}

function DataAge({ header }: { header: Header | undefined }) {
  const now = useServerNow();
  if (!header) return null;
  if (header.quote_age_seconds === null) return <Badge tone="warn">no market data yet</Badge>;
  const age = Number(header.quote_age_seconds) + Math.max(0, secondsSince(header.now, now));
  const late = Object.entries(header.last_tick).filter(([, tick]) => tick.late);
  return (
    <>
      <Badge
        tone={age > 120 ? "bad" : age > 75 ? "warn" : "quiet"}
        title={`Source: ${header.market_source ?? "unknown"}`}
      >
        data {duration(age)} old
      </Badge>
      {late.map(([name]) => (
        <Badge key={name} tone="bad">
          {name} is late
        </Badge>
      ))}
    </>
  );
}

function ConnectionBadge({ connection }: { connection: Connection }) {
  const tone: Record<Connection, Tone> = { live: "good", polling: "warn", connecting: "quiet" };
  return (
    <Badge tone={tone[connection]}>{connection === "polling" ? "polling (no live connection)" : connection}</Badge>
  );
}

function KillSwitch({ header }: { header: Header }) {
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  if (header.role !== "operator") return header.kill_switch ? <Badge tone="bad">kill switch is on</Badge> : null;
  const on = header.kill_switch;
  const flip = async () => {
    await callRpc("set_kill_switch", {
      on_: !on,
      reason: on ? "re-armed from the dashboard" : "killed from the dashboard",
    });
    await queries.invalidateQueries();
  };
  return (
    <>
      <button type="button" className={on ? "rearm" : "danger"} onClick={() => setAsking(true)}>
        {on ? "Re-arm trading" : "Kill switch"}
      </button>
      {asking && (
        <Confirm
          title={on ? "Re-arm trading?" : "Stop all trading?"}
          confirm={on ? "Re-arm" : "Kill now"}
          danger={!on}
          onConfirm={flip}
          onClose={() => setAsking(false)}
        >
          {on ? (
            <p>
              The kill switch is on. Re-arming lets the engines open positions again, in both books. Your name and the
              time are recorded.
            </p>
          ) : (
            <p>
              No new order leaves after this, and open entries are canceled at the broker. Exits that are on their way
              finish unless KILL_SWITCH_CANCELS_EXITS is true.
            </p>
          )}
        </Confirm>
      )}
    </>
  );
}
