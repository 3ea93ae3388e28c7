import { type Candle, closedAt } from "./candle.ts";
import { formatInstant, type Millis } from "./instant.ts";

/** A stretch of time for which a symbol has no data: from the end of what is known up to where it goes on. */
export interface Gap {
  readonly symbol: string;
  readonly from: Millis;
  readonly to: Millis;
}

/** Feeds leave out minutes without a trade, and that many are filled; a longer pause is a gap, and is said. */
export const LONGEST_PAUSE_MS = 10 * 60_000;

/** Returns the gaps before and between closed candles of one symbol; `known` is when the last candle before them opened, if there was one. */
export const gapsIn = (closed: readonly Candle[], known: Millis | null): Gap[] => {
  const gaps: Gap[] = [];
  let end = Number.POSITIVE_INFINITY;
  for (const candle of closed) {
    if (known !== null && end === Number.POSITIVE_INFINITY) end = known + candle.seconds * 1000;
    if (candle.openedAt - end > LONGEST_PAUSE_MS) gaps.push({ symbol: candle.symbol, from: end, to: candle.openedAt });
    end = closedAt(candle);
  }
  return gaps;
};

const moment = (at: Millis): string => formatInstant(at).replace(/(?::00)?\.\d+Z$/, "Z");

const length = (millis: number): string => {
  const minutes = Math.round(millis / 60_000);
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2880 ? `${Math.round(minutes / 6) / 10} h` : `${Math.round(minutes / 144) / 10} days`;
};

/** Says where a gap is and how long: `BTC-USD: no data from 2017-09-03T06:00Z to 2017-09-03T06:37Z (37 min)`. */
export const describeGap = ({ symbol, from, to }: Gap): string =>
  `${symbol}: no data from ${moment(from)} to ${moment(to)} (${length(to - from)})`;

/** Says of many gaps the first few, and of the rest how many there are. */
export const describeGaps = (gaps: readonly Gap[], most = 10): string[] => {
  const told = gaps.slice(0, most).map(describeGap);
  const [left, millis] = [
    gaps.length - told.length,
    gaps.slice(most).reduce((sum, { from, to }) => sum + to - from, 0),
  ];
  return left > 0 ? [...told, `and ${left} more gaps in the data, ${length(millis)} in all`] : told;
};
