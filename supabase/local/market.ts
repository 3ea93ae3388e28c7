import type postgres from "postgres";
import { describeGaps } from "../../shared/market/gaps.ts";
import { readClock, readPace, runReplayClock } from "./clock.ts";
import type { Flags } from "./flags.ts";
import { dataStatus, parseStart } from "./market/market-range.ts";
import type { MarketSource } from "./market/market-source.ts";
import { asSpeed, PaceWatch } from "./market/pace-watch.ts";
import { LIVE_FEED_URL, probeLiveFeed } from "./market/probe-live-feed.ts";
import { DataFileError } from "./market/recorded/data-file-error.ts";
import { openReplay } from "./market/replay/open-replay.ts";
import { openSimulation } from "./market/simulation/open-simulation.ts";
import { startMarketServer } from "./market/start-market-server.ts";
import { continueSession, type MarketSession, readSession } from "./market-session.ts";
import { StartError } from "./start-error.ts";

/** The market of this start: its session, the source to serve (none for the live feed), and a sentence about it. */
export interface Market {
  session: MarketSession;
  source: MarketSource | null;
  /** Where the replay clock begins on a new folder, in epoch milliseconds; null where the real time rules. */
  clockStartMs: number | null;
  sentence: string;
}

const FALLBACK_SEED = 1;

/** Chooses the market from the flags and what the folder was begun with; the live feed is tried first. */
export async function chooseMarket(flags: Flags, dataDir: string, nowMs: number): Promise<Market> {
  const known = readSession(dataDir);
  const session = known ? continueSession(known, flags, dataDir) : await beginSession(flags, nowMs);
  if (session.kind === "live") return liveMarket(session);
  const source =
    session.kind === "replay" ? await openFiles(session.files) : openSimulation(session.seed, session.startMs);
  if (session.kind === "simulation" && session.fallback) {
    const why = known
      ? "This data folder was begun without the live feed (`npm run reset` tries it again)"
      : "Coinbase's live feed does not answer";
    return { session, source, clockStartMs: null, sentence: `${why}: ${source.describe()}` };
  }
  const clockStartMs = session.kind === "simulation" ? session.startMs : replayStart(flags.start, source);
  return { session, source, clockStartMs, sentence: `${source.describe()}, at ${session.speed} x real time` };
}

async function beginSession(flags: Flags, nowMs: number): Promise<MarketSession> {
  const speed = flags.speed ?? 1;
  if (flags.replay) return { kind: "replay", files: flags.replay, speed };
  if (flags.simulate !== null) {
    const everywhere = {
      startMs: Number.MIN_SAFE_INTEGER,
      endMs: Number.MAX_SAFE_INTEGER,
      segments: [{ startMs: -8e15, endMs: 8e15 }],
    };
    const startMs = flags.start === null ? nowMs : startOf(flags.start, everywhere);
    return { kind: "simulation", seed: flags.simulate, startMs, speed, fallback: false };
  }
  const live = await probeLiveFeed();
  if (live.reachable) return { kind: "live" };
  return { kind: "simulation", seed: FALLBACK_SEED, startMs: nowMs, speed: 1, fallback: true };
}

async function liveMarket(session: MarketSession): Promise<Market> {
  const live = await probeLiveFeed();
  const sentence = live.reachable
    ? `live from Coinbase (${LIVE_FEED_URL})`
    : `live from Coinbase, but ${live.reason} right now: entries wait until it does`;
  return { session, source: null, clockStartMs: null, sentence };
}

async function openFiles(files: string[]): Promise<MarketSource> {
  try {
    return await openReplay(files);
  } catch (error) {
    if (error instanceof DataFileError) throw new StartError(error.message);
    throw error;
  }
}

const replayStart = (text: string | null, source: MarketSource): number =>
  text === null ? source.range().startMs : startOf(text, source.range());

function startOf(text: string, range: Parameters<typeof parseStart>[1]): number {
  const start = parseStart(text, range);
  if (!start.ok) throw new StartError(`--start: ${start.message}.`);
  return start.startMs;
}

/**
 * Serves a recorded or simulated market as Coinbase does. Says where its data has gaps, when it pauses or ends (there the clock stops), and
 * when the clock can't keep the speed asked for; `onPace` is told the speed reached, then and whenever that changes.
 */
export async function serveMarket(
  source: MarketSource,
  sql: postgres.Sql,
  say: (line: string) => void,
  onPace: (reached: string) => void = () => {},
) {
  const now = () => readClock(sql);
  for (const gap of describeGaps(source.gaps())) say(gap);
  const pace = new PaceWatch();
  const server = await startMarketServer({ source, now });
  let state = "within";
  let failure: string | null = null;
  const look = async () => {
    const { clockMs, speed } = await readPace(sql);
    const behind = pace.look({ clockMs, speed, realMs: performance.now() });
    if (behind !== null) {
      say(behind);
      onPace(asSpeed(pace.reached ?? speed));
    }
    const status = dataStatus(source.range(), clockMs);
    if (status.state === state) return;
    if (status.state === "ended") await runReplayClock(sql, 0); // before it counts as seen: what fails is tried again
    state = status.state;
    say(state === "ended" ? `${status.message}; the clock stands still now` : status.message);
  };
  let isLooking = false;
  const watch = setInterval(async () => {
    if (isLooking) return;
    isLooking = true;
    try {
      await look();
      failure = null;
    } catch (error) {
      const why = (error as Error).message;
      if (why !== failure) say(`the clock can't be watched: ${why}; trying again every second`);
      failure = why;
    } finally {
      isLooking = false;
    }
  }, 1000);
  return {
    url: server.url,
    stop: async () => {
      clearInterval(watch);
      await server.stop();
    },
  };
}
