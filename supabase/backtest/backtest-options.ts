import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { parseKnob } from "../../shared/config/parse-config.ts";
import { type MarketRange, parseStart } from "../local/market/market-range.ts";
import { StartError } from "../local/start-error.ts";

/** A disabled trader would do nothing, and a live one has no exchange here. */
const ALLOWED_MODES: Readonly<Record<string, readonly string[]>> = {
  TRADER_MODE: ["paper"],
  EDGE_FACTORY_MODE: ["paper", "disabled"],
};

/** What `npm run backtest` was asked for; times are still text, because only the data says which are allowed. */
export interface BacktestOptions {
  readonly files: readonly string[];
  readonly from: string | null;
  readonly to: string | null;
  readonly json: boolean;
  readonly knobs: Readonly<Record<string, string>>;
}

export const USAGE = `npm run backtest -- --data FILE[,FILE] [--from TIME] [--to TIME] [--set KNOB=VALUE]... [--json]
  --data   recorded files, e.g. ../shared/data/lean_coinbase_btcusd_1m_trade.csv,../shared/data/lean_coinbase_btcusd_1m_quote.csv
  --from   2017-09-03 or 2017-09-03T12:00 (UTC); without it, where the data begins
  --to     the end, not included; without it, where the data ends
  --set    a knob of the run, e.g. PAPER_FEE_BPS=25
  --json   one JSON object instead of the table`;

/** Reads the command line; files are taken from where the person stands. A wrong one is refused by a sentence. */
export function readBacktestOptions(
  args: readonly string[],
  folder = process.env.INIT_CWD ?? process.cwd(),
): BacktestOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: "string", multiple: true },
      from: { type: "string" },
      to: { type: "string" },
      set: { type: "string", multiple: true },
      json: { type: "boolean" },
    },
  });
  const files = (values.data ?? []).flatMap((list) => list.split(",")).filter((file) => file !== "");
  if (files.length === 0) throw new StartError(`--data FILE is needed.\n\n${USAGE}`);
  const { from = null, to = null, json = false } = values;
  return { files: files.map((file) => resolve(folder, file)), from, to, json, knobs: readKnobs(values.set ?? []) };
}

/** The first and, not included, the last moment of a run, and what is to be said of how they differ from the wish. */
export interface RunTimes {
  readonly fromMs: number;
  readonly toMs: number;
  readonly notes: readonly string[];
}

/** Finds the first and the last moment of the run in the data; a wish that cannot be met is refused by a sentence. */
export function runTimes({ from, to }: Pick<BacktestOptions, "from" | "to">, range: MarketRange): RunTimes {
  const fromMs = from === null ? range.startMs : timeOf("from", from, range);
  const wishedMs = to === null ? range.endMs : timeOf("to", to, null);
  const toMs = Math.min(wishedMs, range.endMs);
  if (toMs <= fromMs) throw new StartError(`--to is ${to}; it must be after the start of the run, ${iso(fromMs)}.`);
  const notes = toMs < wishedMs ? [`the data ends at ${iso(range.endMs)}, and so does the run, before --to ${to}`] : [];
  return { fromMs, toMs, notes };
}

const iso = (ms: number) => new Date(ms).toISOString().replace(".000Z", "Z");
const EVERYWHERE = { startMs: 0, endMs: Number.MAX_SAFE_INTEGER };

function timeOf(name: "from" | "to", text: string, range: MarketRange | null): number {
  const time = parseStart(text, range ?? { ...EVERYWHERE, segments: [EVERYWHERE] });
  if (!time.ok) throw new StartError(`${time.message.replace("start", `--${name}`)}.`);
  return time.startMs;
}

function readKnobs(settings: readonly string[]): Record<string, string> {
  const knobs: Record<string, string> = {};
  for (const setting of settings) {
    const [name, ...words] = setting.split("=");
    if (name === undefined || words.length === 0)
      throw new StartError(`--set is ${setting}; it must be of the form KNOB=VALUE.`);
    const value = parseKnob(name, words.join("="));
    if (!value.ok) throw new StartError(`--set ${setting}: ${value.error.message}`);
    const allowed = ALLOWED_MODES[name];
    if (allowed !== undefined && !allowed.includes(value.value))
      throw new StartError(`--set ${setting}: a backtest trades on paper; ${name} must be ${allowed.join(" or ")}.`);
    knobs[name] = value.value;
  }
  return knobs;
}
