import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { refusedArguments, StartError } from "./start-error.ts";

/** What the person asked for after `npm start --`. */
export interface Flags {
  /** Recorded files to replay, as absolute paths. */
  replay: string[] | null;
  /** Seed of a simulated market. */
  simulate: number | null;
  /** How many times as fast as real time the one clock runs. */
  speed: number | null;
  /** Where a replay or simulation begins, as written. */
  start: string | null;
  dashboard: boolean;
  /** Show what the functions log as they log it. */
  verbose: boolean;
  help: boolean;
}

export const USAGE = `npm start                                      live market data from Coinbase, or a simulation when it cannot be reached
npm start -- --replay FILE[,FILE]              recorded market data
npm start -- --simulate SEED                   a simulated market; the same seed gives the same market
             --speed N                         with either: the clock runs N times as fast (0.1 to 10000)
             --start TIME                      with either: where it begins, e.g. 2017-09-03 or 2017-09-03T12:00 (UTC)
             --no-dashboard                    everything but the dashboard
             --verbose                         every line of the functions' logs, as they write it
Ports and data folder: ZOE_API_PORT (54321), ZOE_DB_PORT (54322), ZOE_DASHBOARD_PORT (5180), ZOE_DATA_DIR (.zoe)`;

/** Reads the command line; what it does not know is refused with a sentence. */
export function parseFlags(argv: string[], folder = process.env.INIT_CWD ?? process.cwd()): Flags {
  const values = parse(argv);
  if (values.replay !== undefined && values.simulate !== undefined)
    throw new StartError("--replay and --simulate exclude each other: choose one market.");
  const replay =
    values.replay === undefined
      ? null
      : values.replay
          .split(",")
          .filter(Boolean)
          .map((file) => resolve(folder, file));
  if (replay?.length === 0) throw new StartError("--replay needs at least one file.");
  const simulate = values.simulate === undefined ? null : readSeed(values.simulate);
  const speed = values.speed === undefined ? null : readSpeed(values.speed);
  if (!replay && simulate === null && (speed !== null || values.start !== undefined))
    throw new StartError("--speed and --start need --replay or --simulate: live market data runs at its own pace.");
  return {
    replay,
    simulate,
    speed,
    start: values.start ?? null,
    dashboard: !values["no-dashboard"],
    verbose: values.verbose ?? false,
    help: values.help ?? false,
  };
}

function parse(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      options: {
        replay: { type: "string" },
        simulate: { type: "string" },
        speed: { type: "string" },
        start: { type: "string" },
        "no-dashboard": { type: "boolean" },
        verbose: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw refusedArguments(error, USAGE);
  }
}

function readSeed(text: string): number {
  const seed = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new StartError(`--simulate "${text}" is not a seed: it is a whole number, 0 or more.`);
}

function readSpeed(text: string): number {
  const speed = Number(text);
  if (text.trim() !== "" && speed >= 0.1 && speed <= 10_000) return speed;
  throw new StartError(`--speed "${text}" is not a speed: it is a number from 0.1 to 10000.`);
}
