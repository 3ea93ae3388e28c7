import type { MarketSource } from "./market-source.ts";
import { LIVE_FEED_URL, probeLiveFeed } from "./probe-live-feed.ts";
import { openReplay } from "./replay/open-replay.ts";
import { openSimulation } from "./simulation/open-simulation.ts";

/** What the operator asked for on the command line. */
export interface MarketWish {
  readonly replay?: readonly string[];
  readonly simulate?: number;
}

/** The market the platform uses: the live feed at its own address, or a source to serve; `message` says which in one sentence. */
export type MarketChoice =
  | { readonly kind: "live"; readonly url: string; readonly message: string }
  | { readonly kind: "recorded" | "simulated"; readonly source: MarketSource; readonly message: string };

const FALLBACK_SEED = 1;

/**
 * Chooses the market: recorded files or a seed when asked for, else the live feed when it answers within two seconds, else a
 * simulation, said plainly. Throws DataFileError for files that cannot be used.
 */
export async function chooseMarket(wish: MarketWish, startMs: number, liveUrl = LIVE_FEED_URL): Promise<MarketChoice> {
  if (wish.replay !== undefined) {
    const source = await openReplay(wish.replay);
    return { kind: "recorded", source, message: `Market data: ${source.describe()}` };
  }
  if (wish.simulate !== undefined) return simulated(wish.simulate, startMs, "");
  const live = await probeLiveFeed(liveUrl);
  if (live.reachable) return { kind: "live", url: liveUrl, message: `Market data: live from ${liveUrl}` };
  return simulated(FALLBACK_SEED, startMs, `The live feed is not used: ${live.reason}. `);
}

function simulated(seed: number, startMs: number, before: string): MarketChoice {
  const source = openSimulation(seed, startMs);
  return { kind: "simulated", source, message: `${before}Market data: ${source.describe()}` };
}
