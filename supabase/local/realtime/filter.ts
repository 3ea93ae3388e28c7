/** A comparison of a filter such as `price=gte.100`. */
export interface Condition {
  column: string;
  operator: Operator;
  negated: boolean;
  /** One value; several for `in`. */
  values: string[];
}

const OPERATORS = [
  "eq",
  "neq",
  "lt",
  "lte",
  "gt",
  "gte",
  "in",
  "like",
  "ilike",
  "is",
  "match",
  "imatch",
  "isdistinct",
] as const;
export type Operator = (typeof OPERATORS)[number];

export type FilterResult = { ok: true; conditions: Condition[] } | { ok: false; reason: string };

const MOST_VALUES = 100;

/** Reads a filter; conditions joined by commas must all hold. */
export function parseFilter(filter: string): FilterResult {
  const conditions: Condition[] = [];
  for (const part of splitOutsideQuotes(filter)) {
    const [, column, not, operator, value] = /^([^=]+)=(not\.)?([a-z]+)\.(.*)$/s.exec(part.trim()) ?? [];
    if (column === undefined || operator === undefined || value === undefined || !isOperator(operator))
      return { ok: false, reason: `Error parsing \`filter\` params: ${JSON.stringify([part])}` };
    const values = operator === "in" ? readList(value) : [unquote(value)];
    if (values === undefined || values.length > MOST_VALUES)
      return {
        ok: false,
        reason: `Error parsing \`filter\` params: \`in\` takes (1 to ${MOST_VALUES} values), not ${value}`,
      };
    if (operator === "is" && !["null", "true", "false", "unknown"].includes(value))
      return {
        ok: false,
        reason: `Error parsing \`filter\` params: \`is\` takes null, true, false or unknown, not ${value}`,
      };
    conditions.push({ column, operator, negated: not !== undefined, values });
  }
  return { ok: true, conditions };
}

/** Writes a condition as SQL that is never null; `place` turns a value into a parameter and returns its placeholder. */
export function conditionSql(
  condition: Condition,
  column: string,
  type: string,
  place: (value: unknown) => string,
): string {
  const test = comparison(condition, column, type, place);
  return `coalesce(${condition.negated ? `not (${test})` : test}, false)`;
}

function comparison(
  { operator, values }: Condition,
  column: string,
  type: string,
  place: (value: unknown) => string,
): string {
  const value = values[0] ?? "";
  switch (operator) {
    case "eq":
      return `${column} = ${place(value)}::${type}`;
    case "neq":
      return `${column} <> ${place(value)}::${type}`;
    case "lt":
      return `${column} < ${place(value)}::${type}`;
    case "lte":
      return `${column} <= ${place(value)}::${type}`;
    case "gt":
      return `${column} > ${place(value)}::${type}`;
    case "gte":
      return `${column} >= ${place(value)}::${type}`;
    case "isdistinct":
      return `${column} is distinct from ${place(value)}::${type}`;
    case "in":
      return `${column} = any (${place(values)}::${type}[])`;
    case "like":
      return `${column}::text like ${place(value)}::text`;
    case "ilike":
      return `${column}::text ilike ${place(value)}::text`;
    case "match":
      return `${column}::text ~ ${place(value)}::text`;
    case "imatch":
      return `${column}::text ~* ${place(value)}::text`;
    case "is":
      return `${column} is ${value}`; // one of four words, checked when it was read
    default:
      return operator satisfies never;
  }
}

function isOperator(text: string): text is Operator {
  return (OPERATORS as readonly string[]).includes(text);
}

function readList(value: string): string[] | undefined {
  const inside = /^\((.+)\)$/s.exec(value)?.[1];
  return inside === undefined ? undefined : splitOutsideQuotes(inside).map((item) => unquote(item.trim()));
}

function splitOutsideQuotes(text: string): string[] {
  const parts = [""];
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] ?? "";
    if (letter === "\\" && quoted) {
      parts[parts.length - 1] += letter + (text[at + 1] ?? "");
      at += 1;
      continue;
    }
    if (letter === '"') quoted = !quoted;
    if (!quoted && letter === "(") depth += 1;
    if (!quoted && letter === ")") depth -= 1;
    if (!quoted && depth === 0 && letter === ",") parts.push("");
    else parts[parts.length - 1] += letter;
  }
  return parts;
}

function unquote(value: string): string {
  if (value.length < 2 || !value.startsWith('"') || !value.endsWith('"')) return value;
  return value.slice(1, -1).replace(/\\(.)/gs, "$1");
}
