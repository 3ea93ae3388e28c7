import { parseArgs } from "node:util";
import { parseKnob } from "../../shared/config/parse-config.ts";
import { type MarketRange, parseStart } from "../local/market/market-range.ts";

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

/** Reads the command line; a wrong one is answered by a sentence. */
export function readBacktestOptions(
  args: readonly string[],
): { ok: true; options: BacktestOptions } | { ok: false; message: string } {
  try {
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
    if (files.length === 0) return { ok: false, message: `--data FILE is needed\n${USAGE}` };
    const knobs = readKnobs(values.set ?? []);
    const { from = null, to = null, json = false } = values;
    return { ok: true, options: { files, from, to, json, knobs } };
  } catch (error) {
    return { ok: false, message: `${error instanceof Error ? error.message : String(error)}\n${USAGE}` };
  }
}

/** Finds the first and the last moment of the run in the data, or says what is wrong with the wish. */
export function runTimes(
  options: Pick<BacktestOptions, "from" | "to">,
  range: MarketRange,
): { ok: true; fromMs: number; toMs: number } | { ok: false; message: string } {
  const start = options.from === null ? { ok: true as const, startMs: range.startMs } : parseStart(options.from, range);
  if (!start.ok) return start;
  const end = options.to === null ? { ok: true as const, startMs: range.endMs } : parseEnd(options.to);
  if (!end.ok) return end;
  const toMs = Math.min(end.startMs, range.endMs);
  if (toMs <= start.startMs)
    return { ok: false, message: `--to ${options.to} is not after the start ${new Date(start.startMs).toISOString()}` };
  return { ok: true, fromMs: start.startMs, toMs };
}

function parseEnd(text: string): { ok: true; startMs: number } | { ok: false; message: string } {
  const everywhere = { startMs: 0, endMs: Number.MAX_SAFE_INTEGER };
  const end = parseStart(text, { ...everywhere, segments: [everywhere] });
  return end.ok ? end : { ok: false, message: end.message.replace("start", "--to") };
}

function readKnobs(settings: readonly string[]): Record<string, string> {
  const knobs: Record<string, string> = {};
  for (const setting of settings) {
    const [name, ...words] = setting.split("=");
    if (name === undefined || words.length === 0) throw new Error(`--set ${setting} is not of the form KNOB=VALUE`);
    const value = parseKnob(name, words.join("="));
    if (!value.ok) throw new Error(`--set ${setting}: ${value.error.message}`);
    knobs[name] = value.value;
  }
  return knobs;
}
