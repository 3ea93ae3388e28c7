import type { Candle, CandleQuery, MarketSource } from "../market-source.ts";
import { type Answer, problem } from "./answer.ts";

const GRANULARITIES = [60, 300, 900, 3600, 21_600, 86_400];
const MAX_CANDLES = 300;

/** Answers `/products/{id}/candles` as Coinbase does: at most 300 rows, newest first, the running candle included. */
export function answerCandles(source: MarketSource, symbol: string, params: URLSearchParams, nowMs: number): Answer {
  const query = readQuery(params, nowMs);
  if ("status" in query) return query;
  const rows = source.candles(symbol, query, nowMs).slice(0, MAX_CANDLES);
  return { status: 200, body: `[${rows.map(row).join(",")}]` };
}

/** Numbers on the wire, as Coinbase sends them, but written from text: no float comes between. */
function row(candle: Candle): string {
  return `[${candle.openMs / 1000},${candle.low},${candle.high},${candle.open},${candle.close},${candle.volume}]`;
}

function readQuery(params: URLSearchParams, nowMs: number): CandleQuery | Answer {
  const granularitySeconds = Number(params.get("granularity") ?? "60");
  if (!GRANULARITIES.includes(granularitySeconds)) return problem(400, "Unsupported granularity");
  const [start, end] = [params.get("start"), params.get("end")];
  if (start === null || end === null || start === "" || end === "") {
    return { granularitySeconds, startMs: nowMs - MAX_CANDLES * granularitySeconds * 1000, endMs: nowMs };
  }
  const [startMs, endMs] = [instant(start), instant(end)];
  if (startMs === null) return problem(400, "Invalid start");
  if (endMs === null) return problem(400, "Invalid end");
  if (endMs < startMs) return problem(400, "start must be before end");
  if ((endMs - startMs) / 1000 / granularitySeconds > MAX_CANDLES) {
    return problem(
      400,
      "granularity too small for the requested time range. Count of aggregations requested exceeds 300",
    );
  }
  return { granularitySeconds, startMs, endMs };
}

/** Reads ISO 8601 or whole epoch seconds. */
function instant(text: string): number | null {
  const value = /^\d{1,11}$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  return Number.isFinite(value) ? value : null;
}
