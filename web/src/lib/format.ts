/** An exact decimal as the database sends it. */
export type Amount = string;

const dash = "–";

function decimals(value: Amount, least: number, most: number): string {
  const format = new Intl.NumberFormat("en-US", { minimumFractionDigits: least, maximumFractionDigits: most });
  return format.format(value as unknown as number).replace("-", "−");
}

/** Formats US dollars: 1,234.50; small amounts keep up to four digits. */
export function usd(value: Amount | null | undefined): string {
  if (value === null || value === undefined) return dash;
  return `${value.startsWith("-") ? "−" : ""}$${decimals(value.replace(/^-/, ""), 2, 2)}`;
}

/** Formats a gain or a loss with its sign: +$1.20, −$0.40. */
export function signedUsd(value: Amount | null | undefined): string {
  if (value === null || value === undefined) return dash;
  const zero = /^-?0*\.?0*$/.test(value);
  return zero ? "$0.00" : value.startsWith("-") ? usd(value) : `+${usd(value)}`;
}

/** Formats a price with the digits that the market uses, at least two. */
export function price(value: Amount | null | undefined): string {
  return value === null || value === undefined ? dash : decimals(value, 2, 8);
}

/** Formats a quantity of a coin, up to eight digits. */
export function quantity(value: Amount | null | undefined): string {
  return value === null || value === undefined ? dash : decimals(value, 0, 8);
}

/** Formats a percentage with two digits and its sign. */
export function signedPercent(value: Amount | null | undefined): string {
  if (value === null || value === undefined) return dash;
  return `${value.startsWith("-") ? "" : "+"}${decimals(value, 2, 2)} %`;
}

/** Returns "up", "down" or "flat" for a signed amount. */
export function direction(value: Amount | null | undefined): "up" | "down" | "flat" {
  if (!value || /^-?0*\.?0*$/.test(value)) return "flat";
  return value.startsWith("-") ? "down" : "up";
}

/** Formats a length of time as an operator says it: 8 s, 3 min 20 s, 2 h 5 min, 3 d. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return s % 60 === 0 || s >= 600 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d`;
}

/** Formats an instant in the reader's time zone; with the date unless it is the day of `now`. */
export function instant(iso: string | null | undefined, now?: number): string {
  if (!iso) return dash;
  const date = new Date(iso);
  const time = date.toLocaleTimeString("en-GB");
  const sameDay = now !== undefined && new Date(now).toDateString() === date.toDateString();
  return sameDay ? time : `${date.toLocaleDateString("en-CA")} ${time}`;
}

/** Turns a code such as LIQUIDITY_GUARD or cancel_pending into words. */
export function words(code: string | null | undefined): string {
  return code ? code.toLowerCase().replaceAll("_", " ") : dash;
}
