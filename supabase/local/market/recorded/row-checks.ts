import { DataFileError } from "./data-file-error.ts";

/** Where a row stands, for the sentence that refuses it. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

const DECIMAL = /^(0|[1-9]\d{0,14})(\.\d{1,18})?$/;
const FIRST_MS = Date.UTC(2009, 0, 3);
const LAST_MS = Date.UTC(2100, 0, 1);
const CROSSED_LIMIT = 1.01;

/** Throws the refusal of a row. */
export function refuse(place: Place, problem: string): never {
  throw new DataFileError(`${place.file} line ${place.line}: ${problem}`);
}

/** Returns a price as it was written; refuses anything but a plain decimal above zero. */
export function price(place: Place, name: string, text: string): string {
  if (!DECIMAL.test(text) || Number(text) === 0) refuse(place, `${name} "${text}" is not a plain decimal above zero`);
  return text;
}

/** Returns a size or a volume as it was written; refuses anything but a plain decimal. */
export function size(place: Place, name: string, text: string): string {
  if (!DECIMAL.test(text)) refuse(place, `${name} "${text}" is not a plain decimal`);
  return text;
}

/** Returns a time in UTC milliseconds; refuses what is not one between 2009 and 2100. */
export function timeMs(place: Place, text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= FIRST_MS && value < LAST_MS)) refuse(place, `ts_ms "${text}" is not a time in UTC milliseconds`);
  return value;
}

/** Refuses a bid so far above the ask that it can only be an error: more than one percent. */
export function notCrossed(place: Place, bid: string, ask: string): void {
  if (Number(bid) > Number(ask) * CROSSED_LIMIT) refuse(place, `bid ${bid} is far above ask ${ask}`);
}

/** Refuses a bar whose low and high do not enclose its other prices. */
export function enclosed(place: Place, low: string, high: string, others: readonly string[]): void {
  for (const other of others) {
    if (Number(other) < Number(low) || Number(other) > Number(high)) {
      refuse(place, `price ${other} lies outside low ${low} to high ${high}`);
    }
  }
}
