import { type Result, refusal, success } from "../result.ts";
import { type Amount, type Decimal, decimal, toAmount, ZERO } from "./decimal.ts";

/** What an amount may look like; both digit limits are inclusive. */
export interface AmountRules {
  readonly sign?: "positive" | "not_negative" | "any";
  readonly maxDecimals?: number;
  readonly maxDigits?: number;
}

/** Why a text is no amount: the sentence names the field, the value and what is allowed. */
export interface BadAmount {
  readonly code: "INVALID_AMOUNT";
  readonly field: string;
  readonly value: string;
  readonly message: string;
}

const PLAIN_DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$/;

const problemOf = (value: Decimal, rules: AmountRules): string | null => {
  const { sign = "any", maxDecimals = 18, maxDigits = 20 } = rules;
  const [whole = "", decimals = ""] = toAmount(value.abs()).split(".");
  if (sign === "positive" && value.lte(ZERO)) return "must be above zero";
  if (sign === "not_negative" && value.lt(ZERO)) return "must not be negative";
  if (decimals.length > maxDecimals) return `must have at most ${maxDecimals} decimal places`;
  if (whole.length > maxDigits) return `must have at most ${maxDigits} digits before the point`;
  return null;
};

/** Reads an untrusted amount (text or a JSON number) and normalises it to plain text. */
export const parseAmount = (value: unknown, field: string, rules: AmountRules = {}): Result<Amount, BadAmount> => {
  const shown = typeof value === "string" ? `'${value.slice(0, 60)}'` : String(JSON.stringify(value)).slice(0, 60);
  const bad = (why: string) =>
    refusal<BadAmount>({ code: "INVALID_AMOUNT", field, value: shown, message: `${field} is ${shown}: it ${why}` });
  if (typeof value !== "string" && typeof value !== "number") return bad("must be a decimal number, as text");
  const text = String(value).trim();
  if (!PLAIN_DECIMAL.test(text)) return bad("must be a decimal number; NaN, infinity and other text are refused");
  const parsed = decimal(
    text
      .replace(/^\+/, "")
      .replace(/^(-?)\./, "$10.")
      .replace(/\.(?=$|[eE])/, ""),
  );
  const problem = problemOf(parsed, rules);
  return problem === null ? success(toAmount(parsed)) : bad(problem);
};
