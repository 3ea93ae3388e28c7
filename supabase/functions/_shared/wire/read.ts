import { type Millis, parseInstant } from "../../../../shared/market/instant.ts";
import { type AmountRules, parseAmount } from "../../../../shared/money/amount.ts";
import type { Amount } from "../../../../shared/money/decimal.ts";

/** A JSON answer that does not have the form it must have; the message names the field. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

/** Returns a JSON object's field, or undefined when there is no object or no field. */
export const fieldOf = (body: unknown, name: string): unknown =>
  typeof body === "object" && body !== null ? (body as Record<string, unknown>)[name] : undefined;

/** Returns a text field of a JSON object, or null. */
export const textOf = (body: unknown, name: string): string | null => {
  const value = fieldOf(body, name);
  return typeof value === "string" ? value : null;
};

export const POSITIVE: AmountRules = { sign: "positive" };
export const NOT_NEGATIVE: AmountRules = { sign: "not_negative" };

/** Reads an amount, text or number, or throws Malformed. */
export const amount = (body: unknown, field: string, rules: AmountRules = {}): Amount => {
  const parsed = parseAmount(fieldOf(body, field), field, rules);
  if (!parsed.ok) throw new Malformed(parsed.error.message);
  return parsed.value;
};

/** Reads a text that is not empty, or throws Malformed. */
export const text = (body: unknown, field: string): string => {
  const value = textOf(body, field);
  if (value === null || value === "") throw new Malformed(`${field} is missing`);
  return value;
};

/** Reads an ISO 8601 time, or throws Malformed. */
export const instant = (body: unknown, field: string): Millis => {
  const at = parseInstant(text(body, field));
  if (at === null) throw new Malformed(`${field} is no ISO 8601 time with a zone`);
  return at;
};

/** Reads a whole number, given as number or text, or throws Malformed. */
export const integer = (body: unknown, field: string): number => {
  const value = fieldOf(body, field);
  const read = typeof value === "string" && value !== "" ? Number(value) : value;
  if (typeof read !== "number" || !Number.isSafeInteger(read)) throw new Malformed(`${field} must be a whole number`);
  return read;
};

/** Reads true or false, or throws Malformed. */
export const boolean = (body: unknown, field: string): boolean => {
  const value = fieldOf(body, field);
  if (typeof value !== "boolean") throw new Malformed(`${field} must be true or false`);
  return value;
};

/** Reads one of the given words, or throws Malformed. */
export const oneOf = <Word extends string>(body: unknown, field: string, words: readonly Word[]): Word => {
  const found = words.find((word) => word === fieldOf(body, field));
  if (found === undefined) throw new Malformed(`${field} must be one of ${words.join(", ")}`);
  return found;
};

/** Reads a field that may be null or absent. */
export const nullable = <Value>(
  body: unknown,
  field: string,
  read: (body: unknown, field: string) => Value,
): Value | null => ((fieldOf(body, field) ?? null) === null ? null : read(body, field));

/** Reads each item of a list, or throws Malformed. */
export const list = <Value>(items: unknown, read: (item: unknown) => Value): Value[] => {
  if (!Array.isArray(items)) throw new Malformed("a list was expected");
  return items.map(read);
};

/** Reads a list that may be absent, which is an empty one. */
export const listIn = <Value>(body: unknown, field: string, read: (item: unknown) => Value): Value[] =>
  list(fieldOf(body, field) ?? [], read);

/** Runs a reader of outside JSON; its sentence instead of a throw when the answer is malformed. */
export const orSentence = <Value>(read: () => Value): Value | string => {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof Malformed) return thrown.message;
    throw thrown;
  }
};
