import { type Gap, LONGEST_PAUSE_MS } from "../../../shared/market/gaps.ts";

/** A stretch of time that data covers, in UTC milliseconds: from the first known moment up to, not including, `endMs`. */
export interface Segment {
  readonly startMs: number;
  readonly endMs: number;
}

/** Where the data begins and ends; a pause longer than ten minutes separates two segments. */
export interface MarketRange {
  readonly startMs: number;
  readonly endMs: number;
  readonly segments: readonly Segment[];
}

/** Where a moment lies in the data, with a sentence for the console. */
export interface DataStatus {
  readonly state: "before" | "within" | "gap" | "ended";
  readonly message: string;
}

/** Returns what is missing of a symbol within a stretch of time, given what there is of it. */
export function gapsWithin(symbol: string, segments: readonly Segment[], { startMs, endMs }: Segment): Gap[] {
  const ends = [startMs, ...segments.map((segment) => segment.endMs)];
  const starts = [...segments.map((segment) => segment.startMs), endMs];
  return ends
    .map((from, n) => ({ symbol, from: Math.max(from, startMs), to: Math.min(starts[n] ?? endMs, endMs) }))
    .filter(({ from, to }) => to - from > LONGEST_PAUSE_MS);
}

/** Merges pieces of coverage into segments: pieces no more than ten minutes apart belong together. */
export function joinSegments(pieces: readonly Segment[]): Segment[] {
  const joined: Segment[] = [];
  for (const piece of [...pieces].sort((a, b) => a.startMs - b.startMs)) {
    const last = joined.at(-1);
    if (last !== undefined && piece.startMs - last.endMs <= LONGEST_PAUSE_MS) {
      joined[joined.length - 1] = { startMs: last.startMs, endMs: Math.max(last.endMs, piece.endMs) };
    } else {
      joined.push(piece);
    }
  }
  return joined;
}

/** Returns the range of joined segments; there must be at least one. */
export function rangeOf(segments: readonly Segment[]): MarketRange {
  const [first, last] = [segments[0], segments.at(-1)];
  if (first === undefined || last === undefined) throw new Error("a market without any data has no range");
  return { startMs: first.startMs, endMs: last.endMs, segments };
}

/** Tells whether the data covers `nowMs`, and in words what comes next when it does not. */
export function dataStatus(range: MarketRange, nowMs: number): DataStatus {
  if (range.segments.some((s) => s.startMs <= nowMs && nowMs < s.endMs)) {
    return { state: "within", message: `the market data covers ${iso(nowMs)}` };
  }
  const next = range.segments.find((s) => s.startMs > nowMs);
  if (next === undefined) return { state: "ended", message: `the market data ended at ${iso(range.endMs)}` };
  if (nowMs < range.startMs) return { state: "before", message: `the market data begins at ${iso(range.startMs)}` };
  return { state: "gap", message: `no market data at ${iso(nowMs)}; it goes on at ${iso(next.startMs)}` };
}

/**
 * Reads a start time (`2017-09-03`, `2017-09-03T12:00`, with or without `Z`; always UTC) and checks it against the data.
 * Returns epoch milliseconds, or a sentence that says what is allowed.
 */
export function parseStart(
  text: string,
  range: MarketRange,
): { ok: true; startMs: number } | { ok: false; message: string } {
  const form = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?))?Z?$/.exec(text.trim());
  const startMs = form === null ? Number.NaN : Date.parse(`${form[1]}T${form[2] ?? "00:00"}Z`);
  if (Number.isNaN(startMs)) {
    return { ok: false, message: `start "${text}" is not a time; write 2017-09-03 or 2017-09-03T12:00 (UTC)` };
  }
  if (dataStatus(range, startMs).state === "within") return { ok: true, startMs };
  const allowed = range.segments.map((s) => `${iso(s.startMs)} to ${iso(s.endMs)}`).join(", ");
  return { ok: false, message: `start ${iso(startMs)} is outside the market data, which covers ${allowed}` };
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace(/:00\.000Z$/, "Z");
}
