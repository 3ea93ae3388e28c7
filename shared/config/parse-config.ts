import { parseAmount } from "../money/amount.ts";
import { type Amount, decimal } from "../money/decimal.ts";
import { type Result, refusal, success } from "../result.ts";
import { KNOBS, type Knob } from "./knobs.ts";
import { almost, nearestNames } from "./nearest-names.ts";

type KnobEntry = (typeof KNOBS)[number];
type ValueOf<Entry> = Entry extends { type: "integer" }
  ? number
  : Entry extends { type: "boolean" }
    ? boolean
    : Entry extends { type: "choice"; choices: readonly (infer Choice)[] }
      ? Choice
      : Entry extends { type: "number" }
        ? Amount
        : string;

/** All knobs, read: integers as number, numbers as amount text, booleans, choices and text as themselves. */
export type Config = { readonly [Entry in KnobEntry as Entry["name"]]: ValueOf<Entry> };

/** Why a knob was refused: the sentence names knob, value and what is allowed. */
export interface BadKnob {
  readonly code: "UNKNOWN_KNOB" | "BAD_KNOB_VALUE";
  readonly knob: string;
  readonly message: string;
}

/** One row of the `config` table, as far as reading it goes. */
export interface ConfigRow {
  readonly key: string;
  readonly value: string;
}

const byName = new Map<string, Knob>(KNOBS.map((knob) => [knob.name, knob]));
const LONGEST_TEXT = 500;
const names: readonly string[] = KNOBS.map((knob) => knob.name);
const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  t: true,
  yes: true,
  y: true,
  on: true,
  "1": true,
  false: false,
  f: false,
  no: false,
  n: false,
  off: false,
  "0": false,
};

/** Says in words what a knob accepts. */
export const allowedText = (knob: Knob): string => {
  switch (knob.type) {
    case "boolean":
      return "true or false";
    case "integer":
      return `a whole number from ${knob.min} to ${knob.max}`;
    case "number":
      return `a number from ${knob.min} to ${knob.max}`;
    case "choice":
      return `one of ${(knob.choices ?? []).join(", ")}`;
    case "text":
      return `a text of at most ${LONGEST_TEXT} characters`;
    default:
      return knob.type satisfies never;
  }
};

const readNumber = (knob: Knob, text: string): Amount | null => {
  const amount = parseAmount(text, knob.name);
  if (!amount.ok || knob.min === null || knob.max === null) return null;
  const value = decimal(amount.value);
  if (value.lt(decimal(knob.min)) || value.gt(decimal(knob.max))) return null;
  return knob.type === "integer" && amount.value.includes(".") ? null : amount.value;
};

const readValue = (knob: Knob, text: string): string | number | boolean | null => {
  switch (knob.type) {
    case "boolean":
      return BOOLEANS[text.toLowerCase()] ?? null;
    case "integer": {
      const value = readNumber(knob, text);
      return value === null ? null : Number(value);
    }
    case "number":
      return readNumber(knob, text);
    case "choice":
      return knob.choices?.find((choice) => choice === text.toLowerCase()) ?? null;
    case "text":
      return [...text].length <= LONGEST_TEXT ? text : null;
    default:
      return knob.type satisfies never;
  }
};

/** Reads one knob's text and returns it as the `config` table would store it. */
export const parseKnob = (key: string, value: string): Result<string, BadKnob> => {
  const knob = byName.get(key);
  if (knob === undefined) {
    const message = `there is no knob ${key}; nearest names: ${nearestNames(key, names).join(", ")}`;
    return refusal({ code: "UNKNOWN_KNOB", knob: key, message });
  }
  const read = readValue(knob, value.trim());
  if (read !== null) return success(String(read));
  const shown = [...value].slice(0, 100).join("");
  const message = `${key} can't be '${shown}': it must be ${allowedText(knob)}.`;
  return refusal({ code: "BAD_KNOB_VALUE", knob: key, message });
};

/** Reads the rows of the `config` table; a knob without a row has its default, and every bad row is named at once. */
export const parseConfig = (rows: readonly ConfigRow[]): Result<Config, readonly BadKnob[]> => {
  const problems: BadKnob[] = [];
  const values = new Map<string, string>(KNOBS.map((knob) => [knob.name, knob.defaultValue]));
  for (const { key, value } of rows) {
    const knob = parseKnob(key, value);
    if (knob.ok) values.set(key, knob.value);
    else problems.push(knob.error);
  }
  if (problems.length > 0) return refusal(problems);
  const entries = KNOBS.map((knob) => [knob.name, readValue(knob, values.get(knob.name) ?? "")] as const);
  return success(Object.fromEntries(entries) as Config);
};

/** What an environment sets for a knob: its text, or for a variable whose name is almost a knob's the knob that it is near to. */
export type EnvironmentKnob = string | { readonly near: string };

/** Returns what an environment sets under the names of knobs, good or bad, and which names are almost one. */
export const knobsInEnvironment = (
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, EnvironmentKnob>> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]): [string, EnvironmentKnob][] => {
      if (value === undefined) return [];
      if (byName.has(name)) return [[name, value]];
      const near = almost(name, names);
      return near === null ? [] : [[name, { near }]];
    }),
  );

/** The configuration in which every knob has its default. */
export const DEFAULT_CONFIG: Config = (() => {
  const parsed = parseConfig([]);
  if (!parsed.ok) throw new Error("the defaults of the knobs are invalid");
  return parsed.value;
})();
