import type { Amount } from "../../../shared/money/decimal.ts";

/** An exact decimal as the database sends it. */
export type { Amount };

const dash = "–";
const formats = new Map<string, Intl.NumberFormat>();

/** Intl formats the digits of a text exactly; it never becomes a float. */
function decimals(value: Amount, least: number, most: number): string {
  const key = `${least}:${most}`;
  const format =
    formats.get(key) ?? new Intl.NumberFormat("en-US", { minimumFractionDigits: least, maximumFractionDigits: most });
  formats.set(key, format);
  return format.format(value as unknown as number).replace("-", "−");
}

const isZero = (value: Amount) => /^-?0*\.?0*$/.test(value);

/** Formats US dollars to the cent: $1,234.50. */
export function usd(value: Amount | null | undefined): string {
  if (value === null || value === undefined) return dash;
  const cents = decimals(value.replace(/^-/, ""), 2, 2);
  return `${value.startsWith("-") && cents !== "0.00" ? "−" : ""}$${cents}`;
}

/** Formats a gain or a loss with its sign: +$1.20, −$0.40. Less than half a cent is $0.00. */
export function signedUsd(value: Amount | null | undefined): string {
  const text = usd(value);
  return text === dash || text === "$0.00" || text.startsWith("−") ? text : `+${text}`;
}

/** Formats a price; the digits go by its size, so that a column does not change width from tick to tick. */
export function price(value: Amount | null | undefined): string {
  if (value === null || value === undefined) return dash;
  const size = Math.abs(Number(value));
  const digits = size >= 100 ? 2 : size >= 1 ? 4 : size >= 0.001 ? 6 : 8;
  return decimals(value, digits, digits);
}

/** Formats a quantity of a coin with all its eight digits. */
export function quantity(value: Amount | null | undefined): string {
  return value === null || value === undefined ? dash : decimals(value, 8, 8);
}

/** Formats a percentage with two digits and its sign. */
export function signedPercent(value: Amount | null | undefined): string {
  if (value === null || value === undefined) return dash;
  const text = decimals(value, 2, 2);
  return `${/^−?0\.00$/.test(text) ? text.replace("−", "") : text.startsWith("−") ? text : `+${text}`} %`;
}

/** Formats a fraction of one (0.0123) as a percentage: 1.23 %. */
export function fractionPercent(value: Amount | null | undefined): string {
  if (value === null || value === undefined) return dash;
  return `${(Number(value) * 100).toFixed(2)} %`;
}

/** Says how much of `whole` is done, in whole percents; 100 % only when it is all. */
export function share(part: Amount, whole: Amount): string {
  return isZero(whole) ? dash : `${Math.floor((Number(part) / Number(whole)) * 100 + 1e-9)} %`;
}

/** Returns "up", "down" or "flat" for a signed amount. */
export function direction(value: Amount | null | undefined): "up" | "down" | "flat" {
  if (!value || isZero(value)) return "flat";
  return value.startsWith("-") ? "down" : "up";
}

/** Formats a length of time as an operator says it: 8 s, 3 min 20 s, 2 h 5 min, 3 d. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d`;
}

/** Formats an instant in the reader's time zone; with the date unless it is the day of `now`. */
export function instant(iso: string | null | undefined, now?: number): string {
  if (!iso) return dash;
  const date = new Date(iso);
  const time = date.toLocaleTimeString("en-GB");
  const sameDay = now !== undefined && new Date(now).toDateString() === date.toDateString();
  return sameDay ? time : `${date.toLocaleDateString("en-CA").slice(5)} ${time}`;
}

/** Turns a code such as LIQUIDITY_GUARD or cancel_pending into words. */
export function words(code: string | null | undefined): string {
  return code ? code.toLowerCase().replaceAll("_", " ") : dash;
}
