import { useQuery } from "@tanstack/react-query";
import { configQuery, knobNumber } from "../../lib/config-query.ts";
import { duration } from "../../lib/format.ts";
import { secondsSince, useServerNow } from "../../lib/server-clock.ts";
import { Badge } from "../../ui/badge.tsx";
import type { Header } from "./header-query.ts";
import { type Cadences, lateTicks } from "./late-ticks.ts";

/** How old the market data is and which ticks are late, computed here every second: it goes on when nothing answers any more. */
export function DataAge({ header }: { header: Header | undefined }) {
  const now = useServerNow();
  const cadences = useCadences();
  if (!header) return null;
  if (header.quote_age_seconds === null) return <Badge tone="warn">no market data yet</Badge>;
  const age = Number(header.quote_age_seconds) + secondsSince(header.now, now);
  const old = cadences["trader-tick"] + cadences.quoteMaxAge;
  return (
    <>
      <span className="age">
        <Badge
          tone={age > cadences["trader-tick"] * cadences.lateAfter ? "bad" : age > old ? "warn" : "quiet"}
          title={`Source: ${header.market_source ?? "unknown"}`}
        >
          data {duration(age)} old
        </Badge>
      </span>
      {header.last_tick["trader-tick"]?.disabled && <Badge tone="warn">trader disabled</Badge>}
      {lateTicks(header, cadences, now).map((name) => (
        <Badge key={name} tone="bad">
          {name} is late
        </Badge>
      ))}
    </>
  );
}

function useCadences(): Cadences & { readonly quoteMaxAge: number } {
  const { data } = useQuery(configQuery);
  return {
    "trader-tick": knobNumber(data, "TRADER_TICK_SECONDS", 60),
    "edge-factory-tick": knobNumber(data, "EDGE_FACTORY_TICK_SECONDS", 60),
    lateAfter: knobNumber(data, "ALERT_TICK_LATE_CADENCES", 3),
    quoteMaxAge: knobNumber(data, "QUOTE_MAX_AGE_SECONDS", 30),
  };
}
