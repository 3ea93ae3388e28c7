import { useQuery } from "@tanstack/react-query";
import { duration } from "../../lib/format.ts";
import type { Connection } from "../../lib/live.ts";
import { type Mode, showMode } from "../../lib/mode.ts";
import { secondsSince, useServerNow } from "../../lib/server-clock.ts";
import { signOut } from "../../lib/session.ts";
import { Badge, type Tone } from "../../ui/badge.tsx";
import { DataAge } from "./data-age.tsx";
import { type Header, headerQuery } from "./header-query.ts";
import { KillSwitch } from "./kill-switch.tsx";

/** The bar that is always in sight: book, trading state, kill switch, age of the data, connection. */
export function HeaderBar(props: { mode: Mode; connection: Connection }) {
  const { data, isError, error } = useQuery(headerQuery(props.mode));
  return (
    <header className="bar">
      <span className="brand">Zoe</span>
      <ModeSwitch mode={props.mode} />
      <State header={data} failed={isError} />
      <span className="spacer" />
      {data && <KillSwitch header={data} />}
      <span className="ages">
        {isError && <Badge tone="bad">{error.message}</Badge>}
        <DataAge header={data} />
        <ConnectionBadge connection={props.connection} />
        <button type="button" className="link" onClick={() => void signOut()} title={data?.email ?? undefined}>
          Sign out
        </button>
      </span>
      {data && <Reasons header={data} />}
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
const STATE_MEANS: Record<Header["trading_state"]["state"], string> = {
  active: "Entries and exits pass.",
  reducing: "Exits pass, entries do not.",
  halted: "Nothing new is sent.",
};

function State({ header, failed }: { header: Header | undefined; failed: boolean }) {
  const state = header?.trading_state.state;
  return (
    <span className="state" role="status" aria-label="Trading state">
      {state ? (
        <Badge tone={failed ? "quiet" : STATE_TONE[state]} title={STATE_MEANS[state]}>
          {failed ? `was ${state}` : state}
        </Badge>
      ) : (
        <Badge tone="quiet">{failed ? "state unknown" : "reading state…"}</Badge>
      )}
    </span>
  );
}

function Reasons({ header }: { header: Header }) {
  const now = useServerNow();
  const { reasons } = header.trading_state;
  if (reasons.length === 0) return null;
  return (
    <ul className="reasons" aria-label="Reasons of the trading state">
      {reasons.map((reason) => (
        <li key={reason.code}>
          {reason.text}
          {reason.since && `, for ${duration(secondsSince(reason.since, now))}`}
          {reason.until && `, ${duration(-secondsSince(reason.until, now))} left`}
        </li>
      ))}
    </ul>
  );
}

const LINK: Record<Connection, { tone: Tone; text: string; title: string }> = {
  live: { tone: "good", text: "live", title: "Changes arrive by themselves." },
  polling: { tone: "warn", text: "polling", title: "No live connection: prices every 2 s, everything every 60 s." },
  connecting: { tone: "quiet", text: "connecting", title: "The live connection is being made." },
};

function ConnectionBadge({ connection }: { connection: Connection }) {
  const { tone, text, title } = LINK[connection];
  return (
    <span className="connection" role="status" aria-label="Connection">
      <Badge tone={tone} title={title}>
        {text}
      </Badge>
    </span>
  );
}
